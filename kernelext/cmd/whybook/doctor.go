package main

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
)

type doctorCommand struct{}

// finding is the outcome of one check.
type finding struct {
	Name, State string
	Remedy      string // what to do; empty when all is well
	Optional    bool
}

// Run checks everything and prints the findings.
func (doctorCommand) Run(ctx context.Context, a *app) error {
	m, findings := examine(ctx, a)
	missing := 0
	for _, f := range findings {
		mark := "ok     "
		switch {
		case f.Remedy != "" && f.Optional:
			mark = "note   "
		case f.Remedy != "":
			mark = "MISSING"
			missing++
		}
		a.printf("%s  %-10s %s\n", mark, f.Name, f.State)
		if f.Remedy != "" {
			a.printf("         %-10s %s\n", "", f.Remedy)
		}
	}
	if missing > 0 {
		a.printf("\n%d of %d checks failed\n", missing, len(findings))
		return reported{errors.New("something needed is missing")}
	}
	a.printf("\nready: %s\n", strings.Join(m.command("tour"), " && "))
	return nil
}

// examine makes all checks. The module is the zero module where there is none.
func examine(ctx context.Context, a *app) (module, []finding) {
	const goRemedy = "install Go from https://go.dev/dl and put it on the PATH"
	goEnv, err := goCommand(ctx, os.TempDir(), "env", "GOVERSION")
	goVersion := strings.TrimSpace(string(goEnv))
	if err != nil {
		return module{}, []finding{{Name: "go", State: "does not run", Remedy: goRemedy}, checkCache(), checkSpace(), checkPython(ctx),
			checkJupyter(ctx, module{}.command("install"), module{}.command("lab"))}
	}
	found := []finding{{Name: "go", State: goVersion}}
	m, err := findModule(ctx, a.module)
	if err != nil {
		found = append(found, finding{Name: "module", State: "not found",
			Remedy: "run whybook inside a checkout (git clone https://" + modulePath + "), or in a module of your own after: go get -tool " + commandPath})
	} else {
		if need := "go" + m.File.Go.Version; version.Compare(goVersion, need) < 0 {
			found[0] = finding{Name: "go", State: goVersion + ", but the module needs " + need, Remedy: goRemedy}
		}
		found = append(found, finding{Name: "module", State: m.Root}, checkTools(ctx, m), checkTour(m))
	}
	return m, append(found, checkCache(), checkSpace(), checkPython(ctx), checkJupyter(ctx, m.command("install"), m.command("lab")))
}

func checkTools(ctx context.Context, m module) finding {
	f := finding{Name: "gonb"}
	t, built, err := findTools(ctx, m)
	switch {
	case err != nil:
		f.State, f.Remedy = err.Error(), "mend that, then run whybook doctor again"
	case built:
		f.State = "GoNB " + t.Version + " and goimports " + m.version(toolsModule) + " in " + t.Dir
	default:
		if _, err := goCommand(ctx, m.Root, "list", "-deps", gonbPackage, goimportsPackage); err != nil {
			f.State, f.Remedy = "the source of GoNB "+t.Version+" is not at hand: "+err.Error(),
				"cd "+shellQuote(m.Root)+" && go mod download   (needs the network, or a GOPROXY that can be reached)"
		} else {
			f.State = "GoNB " + t.Version + " and goimports " + m.version(toolsModule) + " will be built when they are first needed (about a minute)"
		}
	}
	return f
}

func checkTour(m module) finding {
	path := filepath.Join(m.Root, filepath.FromSlash(tourPath))
	if _, err := os.Stat(path); err != nil {
		return finding{Name: "tour", State: path + " is missing", Remedy: "run whybook in a complete checkout"}
	}
	return finding{Name: "tour", State: path}
}

func checkCache() finding {
	f := finding{Name: "cache"}
	root, err := cacheRoot()
	if err == nil {
		f.State, err = root, writable(root)
	}
	if err != nil {
		f.State, f.Remedy = "cannot be written, so GoNB is built and networks are trained again every time: "+err.Error(), "export WHYBOOK_CACHE=DIR, with a folder that can be written"
	}
	return f
}

func checkSpace() finding {
	const need = 2 << 30 // compiled packages of gorgonia, gonum and ours, and data
	f := finding{Name: "disk"}
	root, err := cacheRoot()
	if err != nil {
		return finding{Name: "disk", State: "unknown", Optional: true}
	}
	free, ok := freeBytes(root)
	if !ok {
		f.State = "free space unknown"
		return f
	}
	f.State = byteSize(free) + " free for the cache"
	if free < need {
		f.State += ", " + byteSize(need) + " wanted"
		f.Remedy, f.Optional = "whybook cache clear; go clean -cache; or export WHYBOOK_CACHE=DIR on a larger disk", true
	}
	return f
}

// checkJupyter is about what only Jupyter users need; install and lab are the commands that
// make the kernel known, and that need no Jupyter.
func checkJupyter(ctx context.Context, install, lab []string) finding {
	f := finding{Name: "jupyter", Optional: true}
	path, err := exec.LookPath("jupyter")
	if err != nil {
		f.State, f.Remedy = "not installed; tour and run work without it", strings.Join(lab, " && ")+"   (installs one of its own)"
		return f
	}
	f.State = path
	version, err := python(ctx, path, "lab", "--version")
	switch {
	case err != nil:
		f.State += ", without JupyterLab"
		f.Remedy = "pip install jupyterlab==" + labVersion + ", or " + strings.Join(lab, " && ")
		return f
	case olderThan(version, oldestLab):
		f.State += ", JupyterLab " + version + " is older than " + oldestLab
		f.Remedy = "pip install --upgrade jupyterlab, or " + strings.Join(lab, " && ")
		return f
	}
	f.State += ", JupyterLab " + version
	data, err := jupyter.DataDir()
	if err != nil {
		f.Remedy = err.Error()
		return f
	}
	dir := filepath.Join(data, "kernels", kernelName)
	if _, mine := ours(dir); mine {
		f.State += fmt.Sprintf(", kernel in %s", dir)
	} else {
		f.State += ", without whybook's kernel"
		f.Remedy = strings.Join(install, " && ")
	}
	return f
}

// checkPython is about lab, which makes a virtual environment.
func checkPython(ctx context.Context) finding {
	f := finding{Name: "python", Optional: true}
	version, err := pythonVersion(ctx, "python3")
	if err != nil {
		f.State, f.Remedy = "not usable; only the command lab needs it", strings.TrimPrefix(err.Error(), errNoPython.Error()+": ")
		return f
	}
	f.State = version + ", for JupyterLab " + labVersion
	return f
}
