"""Drives JupyterLab as a reader does: opens notebooks, runs them, operates what is
interactive by keyboard and mouse, and writes what it saw as JSON.

    lab.py ADDRESS CHROMIUM PICTURES NOTEBOOK...
"""

import json
import re
import sys
import time
import urllib.parse

from playwright.sync_api import sync_playwright

NOTEBOOK_TIMEOUT = 600  # seconds
# What JupyterLab itself says in an empty profile, without a notebook being at fault.
OWN_NOISE = re.compile(
    r"favicon|WebSocket connection to .*(closed|failed)|ResizeObserver loop|Failed to load resource.*40[34]|"
    r"/api/workspaces|/lsp/status"
)


def open_page(browser, seen):
    page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
    page.on("request", lambda r: seen["requests"].append(r.url))
    page.on("console", lambda m: m.type == "error" and seen["console"].append(m.text + " " + (m.location or {}).get("url", "")))
    page.on("pageerror", lambda e: seen["console"].append("uncaught: " + str(e)))
    return page


def notebook_address(address, name):
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/lab/tree/{urllib.parse.quote(name)}?{parts.query}&reset"


def await_kernel(page):
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
    page.wait_for_function(
        """() => {
          const panel = (window.jupyterapp || window.jupyterlab)?.shell.currentWidget;
          return panel?.sessionContext?.isReady && panel.sessionContext.session?.kernel?.connectionStatus === 'connected';
        }""",
        timeout=120_000,
    )


def run_all(page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def state(page):
    return page.evaluate(
        """() => {
          const app = window.jupyterapp || window.jupyterlab;
          const panel = app.shell.currentWidget;
          const cells = panel.content.model.cells;
          const all = [];
          for (let i = 0; i < cells.length; i++) {
            const c = cells.get(i).toJSON();
            if (c.cell_type === 'code' && c.source.length) all.push({...c, index: i});
          }
          return {
            status: panel.sessionContext.session?.kernel?.status,
            kernel: panel.sessionContext.session?.kernel?.name,
            cells: all.map(c => ({id: c.id, index: c.index, count: c.execution_count, outputs: c.outputs.map(o => ({
              type: o.output_type, mimes: Object.keys(o.data || {}), value: o.evalue || '',
              blank: o.output_type === 'display_data' && Object.values(o.data).every(v => !String(v).trim()),
              alt: (o.metadata?.['image/png'] || {}).alt || ''}))})),
          };
        }"""
    )


def finish(page):
    end, moved, last = time.time() + NOTEBOOK_TIMEOUT, time.time(), None
    while time.time() < end:
        s = state(page)
        if s["status"] not in ("idle", "unknown") or s != last:
            moved, last = time.time(), s
        if time.time() > moved + 45:
            raise SystemExit("the kernel is idle, but cells have not run: " + json.dumps(s, indent=1))
        if s["status"] in ("idle", "unknown") and all(c["count"] for c in s["cells"]):
            return s
        if any(o["type"] == "error" for c in s["cells"] for o in c["outputs"]):
            return s
        time.sleep(0.3)
    raise SystemExit(f"not done after {NOTEBOOK_TIMEOUT} s: {state(page)}")


def visit(page, name, pictures, scheme):
    """Scrolls through the notebook and measures what is visible of each output."""
    panel = page.locator(".jp-WindowedPanel-outer").first
    height = panel.evaluate("e => e.scrollHeight")
    seen, top, shot = {}, 0, 0
    while top <= height:
        panel.evaluate("(e, y) => { e.scrollTop = y }", top)
        page.wait_for_timeout(250)
        for o in page.evaluate(
            """() => [...document.querySelectorAll('.jp-CodeCell .jp-OutputArea-output')].map((e, i) => {
              const cell = e.closest('.jp-CodeCell'), r = e.getBoundingClientRect();
              const images = [...e.querySelectorAll('img')];
              return {
                key: cell.dataset.windowedListIndex + ':' + [...cell.querySelectorAll('.jp-OutputArea-output')].indexOf(e),
                cell: Number(cell.dataset.windowedListIndex), output: [...cell.querySelectorAll('.jp-OutputArea-output')].indexOf(e),
                width: r.width, height: r.height, text: e.innerText.trim().length,
                images: images.length, broken: r.width ? images.filter(m => !m.complete || !m.naturalWidth).length : 0,
                nameless: images.filter(m => !m.alt.trim()).length,
                drawings: e.querySelectorAll('svg, canvas').length,
              };
            })"""
        ):
            old = seen.get(o["key"], o)  # JupyterLab hides what is out of sight: it has no size and no text then
            seen[o["key"]] = {k: o[k] if k in ("key", "cell", "output") else max(o[k], old[k]) for k in o}
        page.screenshot(path=f"{pictures}/{name}-{scheme}-{shot:02d}.png")
        shot += 1
        top += 800
        height = panel.evaluate("e => e.scrollHeight")
    panel.evaluate("e => { e.scrollTop = 0 }")
    return list(seen.values())


def contents(page, output):
    """What an output looks like: its picture and the state of its controls."""
    return output.screenshot(), output.evaluate(
        "e => JSON.stringify([...e.querySelectorAll('input, select, [aria-sort], [aria-checked], [aria-pressed], [hidden]')].map(x => [x.value, x.checked, x.getAttribute('aria-sort'), x.hidden]))"
    )


def operate(page):
    """Uses one control of each output that has some, by keyboard and by mouse."""
    used = []
    panel = page.locator(".jp-WindowedPanel-outer").first
    height, top, done = panel.evaluate("e => e.scrollHeight"), 0, set()
    while top <= height:
        panel.evaluate("(e, y) => { e.scrollTop = y }", top)
        page.wait_for_timeout(250)
        for output in page.locator(".jp-OutputArea-output").all():
            key = output.evaluate(
                "e => { const c = e.closest('.jp-CodeCell'); return c.dataset.windowedListIndex + ':' + [...c.querySelectorAll('.jp-OutputArea-output')].indexOf(e) }"
            )
            if key in done:
                continue
            control = output.locator("input:visible, select:visible, button:visible").first
            if not control.count():
                continue
            done.add(key)
            control.scroll_into_view_if_needed()
            kind = control.evaluate("e => e.tagName.toLowerCase() + (e.type ? ':' + e.type : '')")
            before = contents(page, output)
            control.focus()
            ring = control.evaluate("e => { const s = getComputedStyle(e); return document.activeElement === e && (s.outlineStyle !== 'none' || s.boxShadow !== 'none') }")
            if kind.endswith(("search", "text")):
                page.keyboard.type("1")
            elif kind.startswith("button"):
                page.keyboard.press("Enter")
            else:
                page.keyboard.press("ArrowRight" if "range" in kind else "ArrowDown")
            page.wait_for_timeout(300)
            keyed = contents(page, output)
            box = control.bounding_box()
            if "range" in kind:
                page.mouse.click(box["x"] + box["width"] * 0.85, box["y"] + box["height"] / 2)
            elif kind.startswith("select"):
                control.select_option(index=0)
            elif kind.endswith(("search", "text")):
                control.fill("")
            else:
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(300)
            moused = contents(page, output)
            used.append({"kind": f"{kind} of {key}", "keyboard": keyed != before, "mouse": moused != keyed, "focus": ring})
        top += 800
        height = panel.evaluate("e => e.scrollHeight")
    return used


def main():
    address, chromium, pictures, *names = sys.argv[1:]
    report = []
    with sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        for name in names:
            seen = {"requests": [], "console": []}
            page = open_page(browser, seen)
            began = time.time()
            page.goto(notebook_address(address, name))
            await_kernel(page)
            opened = time.time()
            page.wait_for_timeout(3000)
            clicked = time.time()
            run_all(page)
            ran = finish(page)
            entry = {"notebook": name, "cells": ran["cells"], "kernel": ran["kernel"], "opened": opened - began, "ran": time.time() - clicked}
            entry["outputs"] = visit(page, name, pictures, "light")
            entry["controls"] = operate(page)
            page.evaluate("() => (window.jupyterapp || window.jupyterlab).commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
            page.wait_for_timeout(1500)
            visit(page, name, pictures, "dark")
            page.evaluate("() => (window.jupyterapp || window.jupyterlab).commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
            page.evaluate("() => (window.jupyterapp || window.jupyterlab).shell.currentWidget.sessionContext.shutdown()")
            page.wait_for_timeout(500)
            page.context.close()
            hosts = {urllib.parse.urlsplit(u).hostname for u in seen["requests"] if not u.startswith(("data:", "blob:", "about:"))}
            entry["hosts"] = sorted(h or "" for h in hosts)
            entry["console"] = [m for m in seen["console"] if not OWN_NOISE.search(m)]
            report.append(entry)
        browser.close()
    json.dump(report, sys.stdout, indent=1)


main()
