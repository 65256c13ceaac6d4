def test_shots(house, workspace, visit):
    sm=workspace.channel("smtp", name="Mail", address="hello@example.com", host="127.0.0.1", tls="none", password="x")
    page=visit(workspace.email,f"/settings/channels/{sm['id']}", viewport={"width":1280,"height":800})
    page.fill("#to","zoe@example.com"); page.click("main button:text-is('Send')")
    for n in range(5):
        page.wait_for_timeout(1000); print(n, page.locator("#tried").inner_html()[:900], page.locator("#tried").inner_text())
    page.reload(); print("RELOAD", page.locator("#tried").inner_text())
    page.screenshot(path="/tmp/shots/tested.png", full_page=True)
    page.goto("/settings/webhooks"); page.screenshot(path="/tmp/shots/webhooks.png", full_page=True)
    page.goto("/settings/team"); page.screenshot(path="/tmp/shots/team.png", full_page=True)
