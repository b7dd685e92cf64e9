def test_the_network_is_the_published_one(check_architecture):
    check_architecture("hcnn")
