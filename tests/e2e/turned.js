// Turns the page around and tells what did not turn with it, or turned and should not have.
// `names` are words of the workspace: in a line that runs the other way they must keep to themselves.
names => {
    document.documentElement.dir = "rtl";
    const faults = [];
    const left = (each) => each.getBoundingClientRect().left;
    const side = document.querySelector(".side"), main = document.querySelector("main");
    if (side && left(side) < left(main)) faults.push("the menu stays on the left");
    for (const each of document.querySelectorAll("code, pre:not([dir]), kbd"))
        if (getComputedStyle(each).direction !== "ltr") faults.push(`code runs backwards: ${each.textContent}`);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const at = (node, place) => {
        const range = document.createRange();
        range.setStart(node, place);
        range.setEnd(node, place + 1);
        return range.getBoundingClientRect();
    };
    const apart = (each) => each.closest("bdi, [dir=auto], .unseen, option, textarea, title, script, svg title, iframe")
        || ["isolate", "plaintext"].includes(getComputedStyle(each).unicodeBidi) && getComputedStyle(each).display.startsWith("inline");
    while (texts.nextNode()) {
        const node = texts.currentNode, parent = node.parentElement;
        for (const number of node.data.matchAll(/[+]\d{6,}/g)) {
            const first = at(node, number.index), last = at(node, number.index + number[0].length - 1);
            if (first.width && first.top === last.top && first.left > last.left) faults.push(`backwards: ${number[0]}`);
        }
        const name = names.find((each) => node.data.includes(each));
        if (name && parent.checkVisibility() && !apart(parent)) faults.push(`not apart: ${parent.outerHTML.slice(0, 200)}`);
    }
    return faults;
}
