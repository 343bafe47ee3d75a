package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	labVersion   = "4.6.6" // of JupyterLab, in the environments that whybook makes
	oldestLab    = "4.0"   // that whybook works with
	oldestPython = "3.10"  // that JupyterLab labVersion works with
)

var errNoPython = errors.New("python is not usable")

// python runs an interpreter, or a program of Python's, and returns what it prints. The
// error ends with what it complained of.
func python(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "PYTHONPATH=", "PYTHONHOME=", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, lastLines(complaint.String()+string(out), 4))
	}
	return strings.TrimSpace(string(out)), nil
}

// pythonVersion finds out whether virtual environments can be made with an interpreter.
func pythonVersion(ctx context.Context, program string) (string, error) {
	const remedy = "install Python " + oldestPython + " or later from https://www.python.org (or your system's package manager), or name one with --python"
	if _, err := exec.LookPath(program); err != nil {
		return "", fmt.Errorf("%w: no %s on the PATH; JupyterLab needs it: %s", errNoPython, program, remedy)
	}
	version, err := python(ctx, program, "-c", `import sys; print("%d.%d" % sys.version_info[:2])`)
	if err != nil {
		return "", fmt.Errorf("%w: %s does not run: %w; %s", errNoPython, program, err, remedy)
	}
	if olderThan(version, oldestPython) {
		return "", fmt.Errorf("%w: %s is Python %s; %s", errNoPython, program, version, remedy)
	}
	if _, err := python(ctx, program, "-c", "import venv, ensurepip"); err != nil {
		return "", fmt.Errorf("%w: %s cannot make virtual environments; on Debian and Ubuntu: sudo apt install python3-venv", errNoPython, program)
	}
	return version, nil
}

// olderThan compares versions by their numbers: 3.9 is older than 3.10.
func olderThan(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range b {
		var x int
		if i < len(a) {
			x, _ = strconv.Atoi(a[i]) // what is not a number, such as 0rc1, counts as 0
		}
		if y, _ := strconv.Atoi(b[i]); x != y {
			return x < y
		}
	}
	return false
}

// environment is a virtual environment.
type environment string

func (e environment) python() string { return filepath.Join(string(e), "bin", "python") }

// lab returns the version of JupyterLab in it, or "".
func (e environment) lab(ctx context.Context) string {
	if _, err := os.Stat(e.python()); err != nil {
		return ""
	}
	version, err := python(ctx, e.python(), "-c", `import importlib.metadata as m; print(m.version("jupyterlab"))`)
	if err != nil {
		return ""
	}
	return version
}

// findLab returns an environment with JupyterLab: the one that is named, the active one, or
// one of ours in the cache, which is made if need be.
func findLab(ctx context.Context, a *app, named, interpreter string) (environment, error) {
	if named != "" {
		if _, err := os.Stat(named); err == nil {
			e := environment(named)
			switch version := e.lab(ctx); {
			case ctx.Err() != nil:
				return "", ctx.Err()
			case version == "":
				return "", fmt.Errorf("%s holds no JupyterLab: %s -m pip install jupyterlab==%s, or leave --venv out", named, shellQuote(e.python()), labVersion)
			case olderThan(version, oldestLab):
				return "", fmt.Errorf("%s holds JupyterLab %s, want %s or later: %s -m pip install jupyterlab==%s, or leave --venv out",
					named, version, oldestLab, shellQuote(e.python()), labVersion)
			}
			return e, nil
		}
	} else if active := environment(os.Getenv("VIRTUAL_ENV")); active != "" {
		if version := active.lab(ctx); version != "" && !olderThan(version, oldestLab) {
			return active, nil
		}
	}
	version, err := pythonVersion(ctx, interpreter)
	if err != nil {
		return "", err
	}
	e := environment(named)
	if named == "" {
		root, err := cacheRoot()
		if err != nil {
			return "", fmt.Errorf("no place for JupyterLab, name a folder with --venv: %w", err)
		}
		e = environment(filepath.Join(root, "jupyter", "lab-"+labVersion+"-python"+version))
		if e.lab(ctx) == labVersion {
			return e, nil
		}
		if err := os.RemoveAll(string(e)); err != nil { // incomplete, or its Python is gone
			return "", err
		}
	}
	return e, e.make(ctx, a, interpreter)
}

// make fills the environment.
func (e environment) make(ctx context.Context, a *app, interpreter string) error {
	a.printf("installing JupyterLab %s into %s (a minute, once)\n", labVersion, e)
	if _, err := python(ctx, interpreter, "-m", "venv", string(e)); err != nil {
		return fmt.Errorf("making the virtual environment: %w", err)
	}
	if _, err := python(ctx, e.python(), "-m", "pip", "install", "--quiet", "jupyterlab=="+labVersion); err != nil {
		_ = os.RemoveAll(string(e))
		return fmt.Errorf("pip could not install jupyterlab==%s; it needs the network or a package index (PIP_INDEX_URL): %w", labVersion, err)
	}
	// JupyterLab would ask whether it may fetch news and look for updates.
	settings := filepath.Join(string(e), "share", "jupyter", "lab", "settings")
	if err := os.MkdirAll(settings, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(settings, "overrides.json"), []byte(quietLab), 0o644)
}

const quietLab = `{
  "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}
}
`
