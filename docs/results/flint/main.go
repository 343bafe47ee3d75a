// Command flint runs the FLINT paper's training on all of MNIST, on Fashion-MNIST or on CIFAR-10,
// and writes what it measured as JSON. An interrupted run goes on from its last epoch.
//
//	go run ./docs/results/flint -data mnist -seed 1 -state DIR -out docs/results/flint/mnist-1.json
//	go run ./docs/results/flint -data fashion-mnist -from FOLDER -seed 1 -state DIR -out FILE
//	go run ./docs/results/flint -data cifar-10-small -from FOLDER -seed 1 -state DIR -out FILE
//	go run ./docs/results/flint -data cifar-10 -from FOLDER -width 16 -epochs 12 -rate 5e-4 -out FILE
//
// FOLDER holds the four IDX files of Fashion-MNIST under their usual names, gzipped; or CIFAR-10
// as cifar10-jpeg.zip, of which train/CLASS/NAME are read, and cifar10-test.bin.gz, the decoded
// test images. cifar-10 has the paper's network, in a chosen width; cifar-10-small a plain one.
// With -plain only f is trained, by the same settings: the paper's BASE-f. -eta and -noentropy are
// the paper's ablation.
//
// -relevance takes a run that is done, of the same -data, -from, -seed, -state and -out, and adds
// to its result what classes and attributes have to do with each other, as new runs do
// themselves. -counts prints that as a table:
//
//	go run ./docs/results/flint -counts docs/results/flint/*.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
)

// result is what is stored of a run.
type result struct {
	Command     string     `json:"command"`
	Data        string     `json:"data"`
	Seed        uint64     `json:"seed"`
	Epochs      int        `json:"epochs"`
	Train, Test int        // samples
	Accuracy    float64    `json:"accuracy"`    // of f, share of the test samples
	Interpreter float64    `json:"interpreter"` // of g
	Fidelity    float64    `json:"fidelity"`
	Taus        []float64  `json:"taus,omitempty"`
	Conciseness []float64  `json:"conciseness,omitempty"`
	Relevance   *relevance `json:"relevance,omitempty"`
	History     []nn.Epoch `json:"history"`
	Go          string     `json:"go"`
	Processors  int        `json:"processors"`
	Seconds     float64    `json:"seconds"` // of this call; less than the whole where the run was resumed
}

// options are what a run is told.
type options struct {
	data, from, state, out string
	seed                   uint64
	epochs, width          int
	rate, eta              float64
	he, plain, noEntropy   bool
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "mnist", "mnist, fashion-mnist, cifar-10 or cifar-10-small")
	flag.StringVar(&o.from, "from", "", "folder with the files of Fashion-MNIST or CIFAR-10")
	flag.Uint64Var(&o.seed, "seed", 1, "of the training")
	flag.IntVar(&o.epochs, "epochs", 0, "instead of the paper's; rates fall earlier or later accordingly")
	flag.IntVar(&o.width, "width", 64, "channels of the first stage of CIFAR-10's network")
	flag.Float64Var(&o.rate, "rate", 0, "of Adam, instead of the paper's")
	flag.Float64Var(&o.eta, "eta", 0, "weight of the l1 term over that of the entropies, instead of the paper's")
	flag.BoolVar(&o.noEntropy, "noentropy", false, "leave the entropies out, and keep the l1 term")
	flag.BoolVar(&o.he, "he", false, "draw the first weights as He et al. do, and not as PyTorch")
	flag.BoolVar(&o.plain, "plain", false, "train f alone")
	compare := flag.String("baseline", "", "measure senn, posthoc or lime instead, to compare with")
	related := flag.Bool("relevance", false, "add relevances to the result of a run that is done")
	counts := flag.Bool("counts", false, "print the relevances of results, the files that follow")
	flag.StringVar(&o.state, "state", "", "folder for the state of the run, to go on from after an interruption")
	flag.StringVar(&o.out, "out", "", "file for the result; default: print it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	percent := -1
	ctx = progress.WithReporter(ctx, func(e progress.Event) {
		if now := 100 * e.Done / max(e.Total, 1); e.Task == "train" && now != percent {
			percent = now
			fmt.Fprintf(os.Stderr, "%d %% %s\n", now, e.Detail)
		}
	})
	var err error
	switch {
	case *counts:
		err = table(os.Stdout, flag.Args())
	case *related:
		err = relate(ctx, o)
	case *compare != "":
		err = baseline(ctx, *compare, o)
	default:
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "flint:", err)
		os.Exit(1)
	}
}

// command is the run as it was asked for, without what does not change its result.
func command() string {
	line := "go run ./docs/results/flint"
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "state", "out":
		case "from":
			line += " -from DATA"
		default:
			line += fmt.Sprintf(" -%s=%s", f.Name, f.Value)
		}
	})
	return line
}

// settings returns the paper's, changed as the options say.
func (o options) settings() (flint.Recipe, nn.Training) {
	preset := flint.Paper(o.data)
	switch o.data {
	case "cifar-10":
		preset.Recipe = preset.Recipe.Network(o.predictor())
	case smallName:
		preset = small()
	}
	r, t := preset.Recipe, preset.Training
	t.Seed, t.Checkpoint = o.seed, o.state
	if o.he {
		t.Init = nn.HeNormal
	}
	if o.epochs > 0 {
		if s, ok := t.Schedule.(nn.Steps); ok {
			for i, at := range s.At {
				s.At[i] = (at*o.epochs + t.Epochs/2) / t.Epochs
			}
		}
		t.Epochs = o.epochs
	}
	if o.rate > 0 {
		t.Optimizer = nn.Adam{Rate: o.rate}
	}
	if w := r.Settings().Weights; o.eta > 0 || o.noEntropy {
		eta := o.eta
		if eta == 0 {
			eta = w.Sparse[len(w.Sparse)-1] / w.Entropy[len(w.Entropy)-1]
		}
		r = r.Weights(w.Penalty(eta, !o.noEntropy))
	}
	return r, t
}

// predictor returns f.
func (o options) predictor() nn.Arch {
	switch o.data {
	case "cifar-10":
		return flint.CIFARNet(o.width)
	case smallName:
		return smallNet()
	}
	return flint.SmallNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10)
}

func run(ctx context.Context, o options) error {
	train, test, err := sets(o.data, o.from)
	if err != nil {
		return err
	}
	recipe, t := o.settings()
	trained, err := train.Build(ctx)
	if err != nil {
		return err
	}
	r := result{Command: command(), Data: o.data, Seed: o.seed, Epochs: t.Epochs, Train: trained.Len(), Go: runtime.Version(), Processors: runtime.GOMAXPROCS(0)}
	start := time.Now()
	if o.plain {
		net, err := o.predictor().Fit(trained, t).Build(ctx)
		if err != nil {
			return err
		}
		r.Seconds = time.Since(start).Seconds()
		e, err := net.Evaluate(ctx, test)
		if err != nil {
			return err
		}
		r.Test, r.Accuracy, r.History = e.Set.Len(), e.Accuracy, net.History
		return write(r, o.out)
	}
	in, err := recipe.Fit(trained, t).Build(ctx)
	if err != nil {
		return err
	}
	r.Seconds = time.Since(start).Seconds()
	e, err := in.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	r.Test, r.Accuracy, r.Interpreter, r.Fidelity = e.Set.Len(), e.Accuracy, e.Interpreter, e.Fidelity
	r.Taus, r.Conciseness, r.History = e.Taus, e.Conciseness, in.Net.History
	if r.Relevance, err = relevances(ctx, in, trained, o.seed); err != nil {
		return err
	}
	if o.state != "" {
		f, err := os.Create(filepath.Join(o.state, interpreterFile))
		if err != nil {
			return err
		}
		if err := errors.Join(in.Save(f), f.Close()); err != nil {
			return err
		}
	}
	return write(r, o.out)
}

// interpreterFile is the trained interpreter in the folder of a run's state.
const interpreterFile = "interpreter.flint"

// load reads the trained interpreter of a run that is done.
func load(state string) (*flint.Interpreter, error) {
	f, err := os.Open(filepath.Join(state, interpreterFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return flint.Load(f)
}

// sets returns training and test data.
func sets(data, from string) (train, test datasets.Source, err error) {
	switch data {
	case "mnist":
		return datasets.MNIST().Train().Full(), datasets.MNIST().Test().Full(), nil
	case "fashion-mnist":
		if from == "" {
			return nil, nil, errors.New("name the folder with the IDX files: -from FOLDER")
		}
		read := func(part string) datasets.Source {
			return datasets.File(filepath.Join(from, part+"-images-idx3-ubyte.gz"), datasets.IDX{
				Labels:  filepath.Join(from, part+"-labels-idx1-ubyte.gz"),
				Classes: []string{"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"},
			})
		}
		return read("train"), read("t10k"), nil
	case "cifar-10", smallName:
		if from == "" {
			return nil, nil, errors.New("name the folder with CIFAR-10: -from FOLDER")
		}
		train, test = cifar(from)
		return train, test, nil
	}
	return nil, nil, fmt.Errorf("no data %q: mnist, fashion-mnist, cifar-10 or %s", data, smallName)
}

// write stores the result, or prints it.
func write(r any, out string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(out, text, 0o644)
}
