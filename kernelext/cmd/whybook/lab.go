package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	firstPort = 8888
	lastPort  = firstPort + 99
)

type labCommand struct {
	Path      string `arg:"" optional:"" help:"A notebook or a folder. Default: the folder notebooks of the module, or the current folder." type:"path"`
	Port      int    `help:"Port on this machine. Default: the first free one from 8888." placeholder:"N"`
	NoBrowser bool   `name:"no-browser" help:"Only print the address."`
	Venv      string `help:"Virtual environment with JupyterLab; made if it does not exist. Default: the active one if it holds JupyterLab, else one in the cache." type:"path" placeholder:"DIR"`
	Python    string `help:"Python to make an environment with." default:"python3"`
}

// Help is what lab --help says besides the flags.
func (labCommand) Help() string {
	return `Installs JupyterLab ` + labVersion + ` into a virtual environment of its own if there is none, starts it with
Whybook's kernel and opens a notebook. Ctrl-C ends it.

Examples:
  whybook lab                                    the notebooks of the module
  whybook lab my.ipynb --port 9000
  whybook lab --venv .venv --no-browser          in an environment of yours`
}

// Run starts JupyterLab and waits for its end.
func (c labCommand) Run(ctx context.Context, a *app) error {
	m, err := findModule(ctx, a.module)
	if err != nil {
		return err
	}
	folder, file, err := c.place(m)
	if err != nil {
		return err
	}
	if _, err := freePort(c.Port); err != nil { // said before anything is installed
		return err
	}
	e, err := findLab(ctx, a, c.Venv, c.Python)
	if err != nil {
		return err
	}
	data, err := labKernel(ctx, a, m)
	if err != nil {
		return err
	}
	s := labServer{environment: e, data: data, folder: folder, file: file, browser: !c.NoBrowser, token: rand.Text()}
	for range lastPort - firstPort + 1 {
		if s.port, err = freePort(c.Port); err != nil {
			return err
		}
		// JupyterLab takes seconds to start, in which another one may take the port.
		if err = s.run(ctx, a); c.Port != 0 || !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

var errPortTaken = errors.New("another program has taken the port")

// place returns the folder to show and the notebook in it to open, or "".
func (c labCommand) place(m module) (folder, file string, err error) {
	if c.Path == "" {
		folder = filepath.Join(m.Work, "notebooks")
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			folder, err = os.Getwd()
			return folder, "", err
		}
		if tour := filepath.Base(tourPath); m.Work == m.Root {
			if _, err := os.Stat(filepath.Join(folder, tour)); err == nil {
				file = tour
			}
		}
		return folder, file, nil
	}
	info, err := os.Stat(c.Path)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		return c.Path, "", nil
	}
	return filepath.Dir(c.Path), filepath.Base(c.Path), nil
}

// freePort returns the wanted port, or the first free one when 0 is wanted.
func freePort(want int) (int, error) {
	if want != 0 {
		if err := listen(want); err != nil {
			return 0, fmt.Errorf("port %d cannot be used (%w); leave out --port to take the first free one", want, err)
		}
		return want, nil
	}
	for port := firstPort; port <= lastPort; port++ {
		if listen(port) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("the ports %d to %d are all in use; name a free one with --port", firstPort, lastPort)
}

func listen(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		var cause syscall.Errno
		if errors.As(err, &cause) {
			return cause
		}
		return err
	}
	return l.Close()
}

// labKernel installs the kernel of a module into a Jupyter data folder of its own, so that
// two modules can be open at once, and neither takes the place of a kernel of the user's.
func labKernel(ctx context.Context, a *app, m module) (string, error) {
	root, err := cacheRoot()
	if err != nil {
		return "", err
	}
	prefix := filepath.Join(root, "jupyter", fmt.Sprintf("kernel-%x", sha256.Sum256([]byte(m.Work)))[:len("kernel-")+16])
	if _, err := ensureTools(ctx, a, m); err != nil { // which takes a while, so it is told of
		return "", err
	}
	quiet := *a
	quiet.out = io.Discard
	if err := (installCommand{Prefix: prefix}).install(ctx, &quiet, m); err != nil {
		return "", err
	}
	return filepath.Join(prefix, "share", "jupyter"), nil
}

// labServer is a JupyterLab to be run.
type labServer struct {
	environment  environment
	data         string // Jupyter data folder with the kernel
	folder, file string
	port         int
	browser      bool
	token        string
}

func (s labServer) command() *exec.Cmd {
	cmd := exec.Command(s.environment.python(), "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--ServerApp.port="+strconv.Itoa(s.port),
		"--ServerApp.port_retries=0", "--ServerApp.root_dir="+s.folder, "--LabApp.default_url="+s.path(),
		"--ServerApp.open_browser="+map[bool]string{true: "True", false: "False"}[s.browser])
	if os.Getuid() == 0 {
		cmd.Args = append(cmd.Args, "--allow-root")
	}
	path := s.data
	if old := os.Getenv("JUPYTER_PATH"); old != "" {
		path += string(os.PathListSeparator) + old
	}
	cmd.Env = append(os.Environ(), "JUPYTER_TOKEN="+s.token, "JUPYTER_PATH="+path) // other users can read arguments
	cmd.Env = append(cmd.Env, cacheEnv()...)
	return cmd
}

func (s labServer) path() string {
	if s.file == "" {
		return "/lab"
	}
	return "/lab/tree/" + url.PathEscape(s.file)
}

func (s labServer) address() string {
	return fmt.Sprintf("http://127.0.0.1:%d%s?token=%s", s.port, s.path(), s.token)
}

// run starts the server, says where it is, and ends it with ctx.
func (s labServer) run(ctx context.Context, a *app) error {
	log, err := os.CreateTemp("", "whybook-lab-*.log")
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd := s.command()
	cmd.Stdout, cmd.Stderr = log, log
	ownGroup(cmd) // a Ctrl-C is for us: JupyterLab would ask whether it is meant
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	ready := make(chan struct{})
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go s.await(waiting, ready)
	for {
		select {
		case <-ready:
			ready = nil
			a.printf("JupyterLab shows %s at\n\n  %s\n\nCtrl-C ends it.\n", s.folder, s.address())
		case err := <-exited:
			text, _ := os.ReadFile(log.Name())
			if ready != nil && errors.Is(listen(s.port), syscall.EADDRINUSE) {
				err = errPortTaken
			}
			return fmt.Errorf("JupyterLab ended (%w):\n%s", err, lastLines(string(text), 8))
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its kernels
			select {
			case <-exited:
			case <-time.After(20 * time.Second):
				_ = cmd.Process.Kill()
				<-exited
			}
			a.printf("JupyterLab has ended\n")
			return nil
		}
	}
}

// await closes ready when the server answers.
func (s labServer) await(ctx context.Context, ready chan<- struct{}) {
	client := http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: 5 * time.Second}
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/api/status?token=%s", s.port, s.token), nil)
		if err != nil {
			return
		}
		if reply, err := client.Do(request); err == nil {
			_ = reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				close(ready)
				return
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
