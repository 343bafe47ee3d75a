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
		return module{}, []finding{{Name: "go", State: "does not run", Remedy: goRemedy}, checkCache(), checkSpace(), checkJupyter(module{}.command("install"))}
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
	return m, append(found, checkCache(), checkSpace(), checkJupyter(m.command("install")))
}

func checkTools(ctx context.Context, m module) finding {
	f := finding{Name: "gonb"}
	t, built, err := findTools(ctx, m)
	switch {
	case err != nil:
		f.State, f.Remedy = err.Error(), "mend that, then run whybook doctor again"
	case built:
		f.State = "GoNB " + t.Version + " in " + t.Dir
	default:
		if _, err := goCommand(ctx, m.Root, "list", "-deps", gonbPackage, goimportsPackage); err != nil {
			f.State, f.Remedy = "the source of GoNB "+t.Version+" is not at hand: "+err.Error(),
				"cd "+shellQuote(m.Root)+" && go mod download   (needs the network, or a GOPROXY that can be reached)"
		} else {
			f.State = "GoNB " + t.Version + " will be built when it is first needed (about a minute)"
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
		f.State = root
		if err = os.MkdirAll(root, 0o755); err == nil {
			var probe *os.File
			if probe, err = os.CreateTemp(root, ".doctor-"); err == nil {
				err = errors.Join(probe.Close(), os.Remove(probe.Name()))
			}
		}
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

// checkJupyter is about what only Jupyter users need; install is the command that makes
// the kernel known.
func checkJupyter(install []string) finding {
	f := finding{Name: "jupyter", Optional: true}
	path, err := exec.LookPath("jupyter")
	if err != nil {
		f.State, f.Remedy = "not installed; tour and run work without it", "pip install jupyterlab"
		return f
	}
	f.State = path
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
