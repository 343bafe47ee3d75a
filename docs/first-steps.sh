#!/bin/bash
# Walks a newcomer's way and prints the numbers of docs/first-steps.md:
#
#	bash docs/first-steps.sh EMPTY-FOLDER [PYTHON]
#
# It wants git, Go, Python and a way to the module proxy and to a package index. PYTHON has
# torch, onnx, onnxscript, numpy and pillow; without it steps 7 to 10 are left out.
set -e
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/home" && cd "$1"
export HOME=$PWD/home TIMEFORMAT='  took %1R s'
unset GOPATH GOCACHE GOMODCACHE GOFLAGS WHYBOOK_CACHE WHYBOOK_DATA XDG_CACHE_HOME VIRTUAL_ENV
last() { grep -E '^(all|scores)' || true; }
megabytes() { du -sm "$@" | tail -n 1 | cut -f 1; }

echo "step 1: clone"
time git clone -q "$here" whybook
cd whybook
echo "  $(megabytes .) MB"
echo "step 2: tour, twice"
time go run ./kernelext/cmd/whybook tour 2>&1 | last
time go run ./kernelext/cmd/whybook tour 2>&1 | last
echo "step 3: a Jupyter"
time (python3 -m venv venv && venv/bin/pip install -q jupyterlab==4.6.6)
echo "step 4: install"
time go run ./kernelext/cmd/whybook install >/dev/null
echo "step 6: a module"
mkdir ../study && cd ../study
time (
	exec 2>/dev/null
	go mod init example.org/study
	go mod edit -tool=github.com/whybook/whybook/kernelext/cmd/whybook
	go mod edit -require=github.com/whybook/whybook@v0.0.0 -replace=github.com/whybook/whybook=../whybook
	go mod tidy
)
if [ -n "$2" ]; then
	echo "step 7: a model from PyTorch"
	time "$2" ../whybook/docs/guides/stripes.py 2>/dev/null | last
	python3 - <<'PYTHON'
import json, re
text = open("../whybook/docs/guides/own-model.md").read()
code = re.findall(r"^```go\n(.*?)^```", text, re.M | re.S)
code += ['import "github.com/whybook/whybook/xai/render"',
         "%%\nm := kernelext.Must(saliency.Of(net(), images().At(0)).Explain(kernelext.Context()))\n"
         'kernelext.Must(0, m.View().Print(render.SingleColumn()).Save("figure.pdf"))']
cells = [{"cell_type": "code", "id": f"cell-{i}", "metadata": {}, "source": c.strip(), "outputs": [], "execution_count": None} for i, c in enumerate(code)]
meta = {"kernelspec": {"name": "gonb", "language": "go", "display_name": "Go (gonb)"}}
json.dump({"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}, open("own.ipynb", "w"))
PYTHON
	echo "steps 8 and 10: the guide's cells, and a figure as PDF"
	time go tool whybook run own.ipynb | last
	grep -o 'scores of the first image: \[[^\\]*' whybook-out/own.ipynb
	echo "  figure.pdf: $(wc -c <figure.pdf) bytes"
fi
cd ..
echo "on disk: clone with Jupyter $(megabytes whybook) MB, modules $(megabytes home/go) MB, build cache and kernel $(megabytes home/.cache) MB"
