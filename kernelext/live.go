package kernelext

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui/comms"
	"github.com/whybook/whybook/xai/render"
)

// Knob is one thing that readers of a live cell can set. See Slider and Menu.
type Knob struct {
	Name             string
	Low, High, Start float64
	Step             float64  // between two values
	Options          []string // of a menu, whose value is the number of one
}

// Slider is a knob for a number between low and high. It moves in steps of 1 where all three
// are whole numbers and ten or more apart, else in hundredths of the way; set Step for others.
func Slider(name string, low, high, start float64) Knob {
	k := Knob{Name: name, Low: low, High: high, Start: start, Step: (high - low) / 100}
	if whole := low == math.Trunc(low) && high == math.Trunc(high) && start == math.Trunc(start); whole && high-low >= 10 {
		k.Step = 1
	}
	return k
}

// Menu is a knob to choose one of several options, such as classes. Its value is the number of
// the option, from 0.
func Menu(name string, start int, options ...string) Knob {
	return Knob{Name: name, High: float64(len(options) - 1), Start: float64(start), Step: 1, Options: slices.Clone(options)}
}

// At is the option that a menu starts with.
func (k Knob) At() int { return int(k.Start) }

// check says what is wrong with a knob.
func (k Knob) check() error {
	span := k.High - k.Low
	switch {
	case strings.TrimSpace(k.Name) == "":
		return errors.New("a knob has no name")
	case k.Options != nil && len(k.Options) < 2:
		return fmt.Errorf("menu %q has %d options; it needs two", k.Name, len(k.Options))
	case !(span > 0) || math.IsInf(span, 0):
		return fmt.Errorf("knob %q goes from %v to %v; the second must be larger, and both finite", k.Name, k.Low, k.High)
	case !(k.Start >= k.Low && k.Start <= k.High):
		return fmt.Errorf("knob %q starts at %v, which is not within %v to %v", k.Name, k.Start, k.Low, k.High)
	case !(k.Step > 0):
		return fmt.Errorf("knob %q has steps of %v; they must be positive", k.Name, k.Step)
	}
	return nil
}

// say writes a setting down.
func (k Knob) say(v float64) string {
	if k.Options != nil {
		return fmt.Sprintf("%s: %s", k.Name, k.Options[int(v)])
	}
	return fmt.Sprintf("%s: %.4g", k.Name, v)
}

// Settings are the values of the knobs.
type Settings struct {
	values  map[string]float64
	unknown *[]string // names that were asked for and that there are not
}

// Float returns the value of the knob with that name. A name without a knob is an error that
// the cell shows.
func (s Settings) Float(name string) float64 {
	v, ok := s.values[name]
	if !ok && s.unknown != nil {
		*s.unknown = append(*s.unknown, name)
	}
	return v
}

// Int returns the value of the knob with that name, rounded: of a menu, the number of the
// option.
func (s Settings) Int(name string) int { return int(math.Round(s.Float(name))) }

// Live shows what draw returns and, below it, knobs: whenever a reader moves one, draw is called
// again, in this cell, and the figure changes. What draw returns is anything that [Show] takes
// and that can be drawn. Its context is cancelled when a knob moves on.
//
//	kernelext.Live(func(ctx context.Context, at kernelext.Settings) (any, error) {
//		smooth := saliency.SmoothGrad{Noise: at.Float("noise"), Samples: at.Int("samples")}
//		return saliency.Of(net(), x).With(smooth).Target(at.Int("class")).Explain(ctx)
//	},
//		kernelext.Slider("noise", 0, 0.5, 0.15), kernelext.Slider("samples", 1, 100, 20),
//		kernelext.Menu("class", 3, net().Classes()...))
//
// The cell goes on when the reader presses Done, or when no knob was touched for half a minute at
// first or for two minutes later; an interrupt ends it. What was drawn last stays as a figure
// like any other, with the settings in words: this is what a saved notebook shows.
//
// Where no browser can answer, Live is Show of the knobs' starts, at once: outside a notebook,
// under whybook run and nbconvert, and in front ends that have no channel to GoNB, such as VS
// Code. A Jupyter server says that it runs the notebook in $JPY_SESSION_NAME; with that set, a
// browser has five seconds to answer. WHYBOOK_LIVE=off turns the knobs off, WHYBOOK_LIVE=on looks
// for a browser in any case. For results that need not be computed anew there are widgets without
// a kernel: render.Choice, Frames, Swipe and Threshold.
func Live(draw func(ctx context.Context, at Settings) (any, error), knobs ...Knob) {
	current().live(browser{}, draw, knobs)
}

const (
	liveAnswer    = 5 * time.Second  // for a browser to say that it is there
	liveUntouched = 30 * time.Second // until the cell goes on when no knob is touched
	liveIdle      = 2 * time.Minute  // until the cell goes on after the last touch
)

// front is the way to a browser and back.
type front interface {
	// possible reports whether a browser may be there.
	possible() bool
	// listen calls back with every word from the browser that goes to the address, and asks
	// the kernel to open the channel.
	listen(address string, hear func(word string))
}

// drawn is what one call of draw came to.
type liveResult struct {
	bundle render.Bundle
	view   render.View
	err    error
}

func (s *session) live(f front, draw func(context.Context, Settings) (any, error), knobs []Knob) {
	names := make(map[string]bool)
	for _, k := range knobs {
		err := k.check()
		if err == nil && names[k.Name] {
			err = fmt.Errorf("two knobs have the name %q", k.Name)
		}
		if names[k.Name] = true; err != nil {
			s.fail(fmt.Errorf("kernelext.Live: %w", err))
			return
		}
	}
	if draw == nil || len(knobs) == 0 {
		s.fail(errors.New("kernelext.Live: give a function that draws, and at least one knob, such as kernelext.Slider"))
		return
	}
	l := &liveCell{session: s, draw: draw, knobs: knobs, at: make(map[string]float64)}
	for _, k := range knobs {
		l.at[k.Name] = k.Start
	}
	first := l.compute(s.ctx, l.at)
	if first.err != nil {
		s.fail(first.err)
		return
	}
	l.last = first
	if !f.possible() {
		s.out.figure(first.bundle)
	} else {
		l.id = s.liveID()
		s.out.update(l.id, first.bundle)
		l.follow(f)
	}
	if s.saveTo != "" {
		if err := save(s.saveTo, l.last.view); err != nil {
			fmt.Fprintf(s.stderr, "whybook: the figure is not saved: %v\n", err)
		}
	}
	s.out.flush()
	if err := s.ctx.Err(); err != nil {
		s.fail(err)
	}
}

// liveID names the displays of a live cell, differently for every one of a kernel's life.
func (s *session) liveID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lives++
	return fmt.Sprintf("whybook-live-%d-%d", os.Getpid(), s.lives)
}

// liveCell is a Live at work.
type liveCell struct {
	*session
	draw  func(context.Context, Settings) (any, error)
	knobs []Knob
	id    string
	at    map[string]float64 // settings
	last  liveResult         // that is shown
	shown map[string]float64 // its settings
	turns float64            // number of the latest word about knobs
	note  bool               // a message stands below the figure
}

// compute draws with the settings.
func (l *liveCell) compute(ctx context.Context, at map[string]float64) liveResult {
	defer l.bar.erase()
	var unknown []string
	item, err := l.draw(ctx, Settings{maps.Clone(at), &unknown})
	if err == nil && len(unknown) > 0 {
		err = fmt.Errorf("kernelext.Live: there is no knob %q; there are %q", unknown[0], slices.Sorted(maps.Keys(at)))
	}
	if err != nil {
		return liveResult{err: err}
	}
	v, text, err := l.view(item)
	if err == nil && text != "" {
		err = fmt.Errorf("kernelext.Live: a %T cannot be drawn; return a render.View or a result", item)
	}
	if err != nil {
		return liveResult{err: err}
	}
	b, err := v.Bundle()
	return liveResult{bundle: b, view: v, err: err}
}

// follow draws anew what the browser asks for, until it is done.
func (l *liveCell) follow(f front) {
	l.shown = maps.Clone(l.at)
	words := make(chan string, 64)
	ended := make(chan struct{})
	defer close(ended)
	l.out.place(l.id+"-knobs", l.controls())
	f.listen("/whybook/"+l.id, func(word string) {
		select {
		case words <- word:
		case <-ended:
		case <-l.ctx.Done():
		}
	})
	defer func() {
		l.out.place(l.id+"-knobs", l.settings())
		l.forget()
	}()

	limit := time.NewTimer(liveAnswer)
	defer limit.Stop()
	results := make(chan liveResult, 1)
	stop := func() {} // of what is being drawn
	defer func() { stop() }()
	busy, waiting, greeted := false, false, false
	var asked map[string]float64 // settings of what is being drawn
	begin := func() {
		ctx, cancel := context.WithCancel(l.ctx)
		stop, busy, waiting, asked = cancel, true, false, maps.Clone(l.at)
		go func() { results <- l.compute(ctx, asked) }()
	}
	for {
		select {
		case <-l.ctx.Done():
			if busy { // it may use what the cell's end takes away
				stop()
				waitFor(results, grace/2)
			}
			return
		case <-limit.C:
			if busy {
				limit.Reset(liveIdle)
				continue
			}
			return
		case r := <-results:
			stop()
			busy = false
			switch {
			case waiting: // settings have moved on
			case r.err != nil:
				l.note = true
				l.out.place(l.id+"-note", failureHTML(r.err.Error()))
			default:
				l.last, l.shown = r, asked
				l.out.update(l.id, r.bundle)
				l.forget()
			}
			if waiting {
				begin()
			}
		case word := <-words:
			switch {
			case word == "done":
				if busy {
					stop()
					<-results
					busy = false
				}
				return
			case word == "ready":
				if !greeted {
					greeted = true
					limit.Reset(liveUntouched)
				}
			case l.turn(word):
				greeted = true
				limit.Reset(liveIdle)
				if waiting = busy; busy {
					stop()
				} else {
					begin()
				}
			}
		}
	}
}

// forget takes the message below the figure away.
func (l *liveCell) forget() {
	if l.note {
		l.out.place(l.id+"-note", "")
		l.note = false
	}
}

func waitFor(results <-chan liveResult, most time.Duration) {
	select {
	case <-results:
	case <-time.After(most):
	}
}

// turn takes over what the browser says of the knobs, and reports whether it changes anything.
// Words are numbered, under the name that no knob has, since they may overtake each other.
func (l *liveCell) turn(word string) bool {
	var values map[string]float64
	if err := json.Unmarshal([]byte(word), &values); err != nil {
		return false
	}
	if n := values[""]; n > l.turns {
		l.turns = n
	} else {
		return false
	}
	changed := false
	for _, k := range l.knobs {
		v, ok := values[k.Name]
		if !ok {
			continue
		}
		v = min(max(v, k.Low), k.High)
		if k.Options != nil {
			v = math.Round(v)
		}
		changed = changed || v != l.at[k.Name]
		l.at[k.Name] = v
	}
	return changed
}

//go:embed live.html
var liveSource string

var liveTemplate = template.Must(template.New("live").Parse(liveSource))

// controls are the knobs as HTML.
func (l *liveCell) controls() string {
	var b strings.Builder
	err := liveTemplate.Execute(&b, struct {
		ID, Address string
		Knobs       []Knob
	}{l.id, "/whybook/" + l.id, l.knobs})
	if err != nil {
		return ""
	}
	return b.String()
}

// settings says in words what the figure that stays was drawn with.
func (l *liveCell) settings() string {
	var parts []string
	for _, k := range l.knobs {
		parts = append(parts, k.say(l.shown[k.Name]))
	}
	return `<p style="margin:0;padding:0 10px">` + template.HTMLEscapeString(strings.Join(parts, ", ")) + "</p>"
}

// browser is the front of GoNB.
type browser struct{}

func (browser) possible() bool {
	if !inNotebook() {
		return false
	}
	switch strings.ToLower(os.Getenv("WHYBOOK_LIVE")) {
	case "off", "0", "false", "no":
		return false
	case "on", "1", "true", "yes":
		return true
	}
	return os.Getenv("JPY_SESSION_NAME") != ""
}

// listen never unsubscribes: a word that comes later than that locks gonbui's channel for good.
func (browser) listen(address string, hear func(string)) {
	comms.Subscribe(address, func(_, word string) { hear(word) })
	comms.Start()
}
