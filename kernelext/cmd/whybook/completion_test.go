//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// proposals asks a shell, by a script that prints what it proposes for a command line.
func proposals(t *testing.T, shell, ask, line string) []string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("%s is not installed", shell)
	}
	code, script := whybook(t, t.Context(), "completion", shell)
	check(t, code, script, exitOK)
	file := write(t, filepath.Join(t.TempDir(), "script"), script)
	cmd := exec.CommandContext(t.Context(), path, "-c", ask, file, line)
	if shell == "fish" {
		cmd = exec.CommandContext(t.Context(), path, "--no-config", "-c", ask, file, line)
	}
	cmd.Dir = filepath.Dir(write(t, filepath.Join(t.TempDir(), "my.ipynb"), ""))
	cmd.Env = append(cmd.Environ(), "HOME="+cmd.Dir, "XDG_CONFIG_HOME="+cmd.Dir, "XDG_DATA_HOME="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return strings.Fields(string(out))
}

func TestCompletion(t *testing.T) {
	asks := map[string]string{
		"bash": `source "$0"; set -f; COMP_WORDS=(${1// /$'\n'}); case $1 in *" ") COMP_WORDS+=("") ;; esac; set +f
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _whybook || true; printf '%s\n' "${COMPREPLY[@]}"`,
		// compadd needs the line editor, so its callers are replaced.
		"zsh": `compdef() { : }; source "$0"; _describe() { print -rl -- "${(M@)${(@)proposals%%:*}:#${PREFIX}*}" }; _files() { print -rl -- *.ipynb(N) }
words=("${(@s: :)1}"); CURRENT=$#words; PREFIX=$words[-1]; _whybook`,
		"fish": `source $argv[1]; complete -C $argv[2] | string split -f 1 \t; true`,
	}
	tests := []struct {
		line      string
		want, not string
	}{
		{"whybook r", "run", "tour"},
		{"whybook run --in", "--inplace", "--jobs"},
		{"whybook run --no", "--no-html", "--no-browser"},
		{"whybook run m", "my.ipynb", "run"},
		{"whybook cache ", "clear", "tour"},
		{"whybook cache clear b", "build", "list"},
		{"whybook completion f", "fish", "zsh"},
	}
	for shell, ask := range asks {
		t.Run(shell, func(t *testing.T) {
			for _, tt := range tests {
				got := proposals(t, shell, ask, tt.line)
				all := " " + strings.Join(got, " ") + " "
				if !strings.Contains(all, " "+tt.want+" ") || strings.Contains(all, " "+tt.not+" ") {
					t.Errorf("%q: proposals are %q, want %s and not %s", tt.line, got, tt.want, tt.not)
				}
			}
		})
	}
	code, printed := whybook(t, t.Context(), "completion", "tcsh")
	check(t, code, printed, exitUsage, "must be one of")
}
