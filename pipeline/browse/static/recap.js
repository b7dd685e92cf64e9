// The browser's own time zone, the names of all, and a word before too much is sent.
"use strict";

{
  const zone = document.querySelector("#timezone");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && "own" in zone.dataset) zone.value = own;
  const names = document.querySelector("#zones");
  for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) {
    names.append(new Option(name, name));
  }

  const files = document.querySelector("#history");
  const most = Number(files.dataset.maxMb) * 2 ** 20;
  files.addEventListener("change", () => {
    const bytes = [...files.files].reduce((sum, file) => sum + file.size, 0);
    files.setCustomValidity(bytes > most
      ? `These are ${Math.ceil(bytes / 2 ** 20)} MiB, over the limit of ${files.dataset.maxMb}: zip them.`
      : "");
    files.reportValidity();
  });
}
