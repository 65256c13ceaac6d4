import os
PASSWORD="x"
def test_shots(house, workspace, visit):
    ch=workspace.channel()
    workspace.member("agent","Ion Popescu-Very-Long-Name"); workspace.member("admin","Eve")
    sm=workspace.channel("smtp", name="Mail", address="hello@example.com", host="127.0.0.1", tls="none", password="x")
    page=visit(workspace.email,"/settings/api-keys", viewport={"width":1280,"height":800})
    page.fill("#label","Shop"); page.click("button:has-text('Make key')"); page.screenshot(path="/tmp/shots/keys.png", full_page=True)
    def go(name, path, **k):
        page.goto(path); page.wait_for_timeout(300); page.screenshot(path=f"/tmp/shots/{name}.png", full_page=True)
    go("index","/settings"); go("account","/settings/account"); go("team","/settings/team"); go("channels","/settings/channels")
    go("smtp","/settings/channels/new/smtp"); go("channel",f"/settings/channels/{sm['id']}"); go("webhooks","/settings/webhooks"); go("whnew","/settings/webhooks/new")
    go("credits","/settings/credits"); go("audit","/settings/audit"); go("health","/settings/health"); go("me","/me"); go("factor","/me/second-factor"); go("log","/settings/webhooks/log")
    page.goto(f"/settings/channels/{sm['id']}"); page.fill("#to","zoe@example.com"); page.click("main button:text-is('Send')"); page.wait_for_timeout(4000); page.screenshot(path="/tmp/shots/tested.png", full_page=True)
    page=visit(workspace.email,"/settings/account", viewport={"width":1280,"height":800}, color_scheme="dark")
    def dark(name,path): page.goto(path); page.wait_for_timeout(200); page.screenshot(path=f"/tmp/shots/dark_{name}.png", full_page=True)
    dark("account","/settings/account"); dark("webhooks","/settings/webhooks"); dark("health","/settings/health"); dark("channel",f"/settings/channels/{sm['id']}"); dark("factor","/me/second-factor")
    page=visit(workspace.email,"/settings/account", viewport={"width":390,"height":844})
    def ph(name,path): 
        page.goto(path); page.wait_for_timeout(200); page.screenshot(path=f"/tmp/shots/ph_{name}.png", full_page=True)
        print(name, page.evaluate("[document.documentElement.scrollWidth, [...document.querySelectorAll('main *')].filter(e=>e.getBoundingClientRect().right>391 && !e.closest('.frame') && !e.closest('.tabs')).map(e=>e.tagName+'.'+e.className).slice(0,6)]"))
    ph("account","/settings/account"); ph("team","/settings/team"); ph("channel",f"/settings/channels/{sm['id']}"); ph("webhooks","/settings/webhooks"); ph("me","/me"); ph("credits","/settings/credits"); ph("log","/settings/webhooks/log"); ph("health","/settings/health")
