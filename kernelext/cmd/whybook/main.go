// Command whybook runs Whybook's notebooks without Jupyter, and makes them run in it.
//
//	go run github.com/whybook/whybook/kernelext/cmd/whybook tour
//
// It needs Go alone: the GoNB kernel and goimports are built from the versions that the
// module pins, into the cache folder. Run it with --help for the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/whybook/whybook/kernelext/cmd/whybook/internal/page"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const description = `Runs Whybook's notebooks with Go alone, and brings them to Jupyter.

Examples:
  whybook tour                        a first notebook, executed, as a page and figures
  whybook new study/first             a notebook of your own, in a module of its own
  whybook run -p seed=3 my.ipynb      without Jupyter
  whybook lab my.ipynb                in JupyterLab
  whybook doctor                      what is missing

Exit codes: 0 all went well; 1 a cell failed, or something needed is missing; 2 the command line is wrong; 130 interrupted.`

type commands struct {
	Module string `help:"Folder of the whybook module, or of your module that requires it. Default: found from the current folder." type:"path" placeholder:"DIR"`

	Tour    tourCommand    `cmd:"" help:"Run the tour, notebooks/00-tour.ipynb, and write the executed notebook, a page and the figures."`
	Run     runCommand     `cmd:"" help:"Run notebooks, with the same results as tour."`
	New     newCommand     `cmd:"" help:"Write a notebook to start from, in a module of yours or in a new one."`
	Lab     labCommand     `cmd:"" help:"Start JupyterLab with the kernel; install it first if there is none."`
	Install installCommand `cmd:"" help:"Make the GoNB kernel known to an existing Jupyter, and to VS Code."`
	Cache   cacheCommand   `cmd:"" help:"List or clear what whybook keeps on disk."`

	Completion completionCommand `cmd:"" help:"Print a script that completes the command line in bash, zsh or fish."`
	Doctor     doctorCommand     `cmd:"" help:"Say what is missing, and the command that mends it."`
}

// app is what the commands share.
type app struct {
	out    io.Writer
	module string // the --module flag

	scratch string // the tools, where the cache cannot hold them; "" as long as it can
}

// close removes what only this run needed.
func (a *app) close() {
	if a.scratch != "" {
		_ = os.RemoveAll(a.scratch) // a temporary folder: the system's to remove at worst
	}
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// complain reports a failure after which there is more to do.
func (a *app) complain(err error) { a.printf("whybook: %s\n", page.Plain(err.Error())) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(page.Plain(s)), "\n")
	return line
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// reported is an error that the user has been told of already.
type reported struct{ error }

func (r reported) Unwrap() error { return r.error }

func main() {
	// Later signals are caught too and do nothing: the kernel is being stopped by then.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("whybook"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintf(stderr, "whybook: %v\n", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "whybook: %v\nwhybook --help shows the commands\n", err)
		return exitUsage
	}
	parsed.Bind(parser)
	parsed.BindTo(ctx, (*context.Context)(nil))
	a := &app{out: stdout, module: cli.Module}
	defer a.close()
	err = parsed.Run(a)
	var told reported
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &told):
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "whybook: interrupted")
	default:
		fmt.Fprintf(stderr, "whybook: %s\n", page.Plain(err.Error()))
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitFailed
}
