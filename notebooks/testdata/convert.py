"""Converts notebooks by nbconvert to HTML and prints them to PDF as its webpdf does, in a
browser that reaches no network, and writes what is to be seen of each output as JSON.

    convert.py CHROMIUM FOLDER NOTEBOOK...
"""

import json
import pathlib
import sys

import nbformat
from nbconvert import HTMLExporter
from playwright.sync_api import sync_playwright

SEEN = """() => [...document.querySelectorAll('.jp-OutputArea-output')].map(e => {
  const r = e.getBoundingClientRect(), images = [...e.querySelectorAll('img')].filter(m => m.getClientRects().length);
  return {width: r.width, height: r.height, text: e.innerText.trim().length, images: images.length,
    broken: images.filter(m => !m.complete || !m.naturalWidth).length,
    drawings: e.querySelectorAll('svg, canvas, [role=img]').length};
})"""


def main():
    chromium, folder, *names = sys.argv[1:]
    folder, report = pathlib.Path(folder), []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        for name in names:
            html, _ = HTMLExporter(template_name="lab").from_notebook_node(nbformat.read(name, as_version=4))
            page_file = folder / (pathlib.Path(name).stem + ".html")
            page_file.write_text(html, encoding="utf-8")
            context = browser.new_context(viewport={"width": 1100, "height": 900})
            context.route("**/*", lambda r: r.continue_() if r.request.url.startswith(("file:", "data:", "blob:")) else r.abort())
            page = context.new_page()
            page.goto(page_file.as_uri())
            page.emulate_media(media="print")
            page.wait_for_timeout(500)
            entry = {"notebook": name, "outputs": page.evaluate(SEEN)}
            pdf = page.pdf(path=folder / (pathlib.Path(name).stem + ".pdf"), print_background=True)
            entry["pages"], entry["pictures"] = pdf.count(b"/Type /Page\n"), pdf.count(b"/Subtype /Image")
            report.append(entry)
            context.close()
        browser.close()
    json.dump(report, sys.stdout, indent=1)


main()
