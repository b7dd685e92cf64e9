from __future__ import annotations

import builtins

import soundfile

from pipeline.audio import codecs


def test_the_library_reads_all_that_it_should():
    found = codecs.decoders()
    assert (found["libsndfile"], found["missing"]) == (soundfile.__libsndfile_version__, "")


def test_formats_that_the_library_does_not_read_are_named(monkeypatch):
    monkeypatch.setattr(codecs, "FORMATS", ("WAV", "MP9"))
    assert codecs.decoders()["missing"] == "MP9"


def test_a_missing_library_is_a_fact_and_no_crash(monkeypatch):
    known = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "soundfile":
            raise OSError("cannot load library 'libsndfile.so'")
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    found = codecs.decoders()
    assert (found["libsndfile"], found["missing"]) == ("", ", ".join(codecs.FORMATS))
