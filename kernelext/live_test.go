package kernelext

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/whybook/whybook/xai/render"
)

// reader plays the browser: it says its words as soon as it is listened to.
type reader struct {
	absent bool
	act    func(say func(string))
}

func (r reader) possible() bool { return !r.absent }
func (r reader) listen(_ string, hear func(string)) {
	if r.act != nil {
		go r.act(hear)
	}
}

// titled draws a figure whose title is the setting of one knob.
func titled(_ context.Context, at Settings) (any, error) {
	return heat(fmt.Sprintf("noise %v, class %d", at.Float("noise"), at.Int("class"))), nil
}

func twoKnobs() []Knob {
	return []Knob{Slider("noise", 0, 1, 0.5), Menu("class", 1, "cat", "dog", "<i>deer")}
}

// Without a browser, Live is Show, at once.
func TestLiveWithoutBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := newWorld(t)
		w.live(reader{absent: true}, titled, twoKnobs())
		if got := strings.Join(w.rec.log, " "); got != "figure flush" || !strings.Contains(w.rec.bundles[0].Alt, "noise 0.5, class 1") {
			t.Errorf("did %q: %+v", got, w.rec.failures)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("waited for %v", took)
		}
	})
	if (browser{}).possible() {
		t.Error("a test is no notebook")
	}
}

// A browser that may be there and does not answer is waited for five seconds; a reader who does
// nothing, for half a minute; one who stops, for two.
func TestLiveTimeOut(t *testing.T) {
	for _, test := range []struct {
		name string
		act  func(say func(string))
		want time.Duration
	}{
		{"nobody", nil, liveAnswer},
		{"untouched", func(say func(string)) { say("ready"); say("ready") }, liveUntouched},
		{"nonsense", func(say func(string)) { say("ready"); say("{"); say(`{"":1,"other":3}`) }, liveUntouched},
		{"stopped", func(say func(string)) { say("ready"); time.Sleep(20 * time.Second); say(`{"":1,"noise":1}`) }, 20*time.Second + liveIdle},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := newWorld(t)
			w.live(reader{act: test.act}, titled, twoKnobs())
			if took := time.Since(start); took != test.want {
				t.Errorf("%s: the cell went on after %v, want %v", test.name, took, test.want)
			}
			last := w.rec.places[len(w.rec.places)-1]
			if !strings.HasPrefix(last, "<p") || !strings.Contains(last, "class: dog</p>") || len(w.exits) > 0 {
				t.Errorf("%s: what stays is %q, exits %v", test.name, last, w.exits)
			}
		})
	}
}

// Knobs draw anew; what was drawn last stays, with its settings.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.saveTo = t.TempDir()
		w.live(reader{act: func(say func(string)) {
			say("ready")
			say(`{"":1,"noise":0.25,"class":2}`)
			time.Sleep(time.Second)
			say(`{"":3,"noise":7,"class":2}`)    // beyond the end
			say(`{"":2,"noise":0.75,"class":2}`) // overtaken
			time.Sleep(time.Second)
			say("done")
		}}, titled, twoKnobs())
		if got := strings.Join(w.rec.log, " "); got != "update place:knobs update update place:knobs flush" {
			t.Errorf("did %q", got)
		}
		for i, want := range []string{"noise 0.5, class 1", "noise 0.25, class 2", "noise 1, class 2"} {
			if !strings.Contains(w.rec.bundles[i].Alt, want) {
				t.Errorf("figure %d is %q, want %q", i, w.rec.bundles[i].Alt, want)
			}
		}
		if got := w.rec.places[1]; !strings.Contains(got, "noise: 1, class: &lt;i&gt;deer") {
			t.Errorf("what stays is %q", got)
		}
		if controls := w.rec.places[0]; strings.Contains(controls, "<i>") || !strings.Contains(controls, "&lt;i&gt;deer") || !strings.Contains(controls, ` value="1" selected`) || strings.Contains(controls, "http") {
			t.Errorf("the controls are %s", controls)
		}
	})
}

// A knob that moves on cancels what is being drawn, and only the last setting is drawn after it:
// never two at a time.
func TestLiveDrawsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var drew []float64
		running := 0
		w.live(reader{act: func(say func(string)) {
			for i := range 5 {
				say(fmt.Sprintf(`{"":%d,"noise":%v}`, i+1, float64(i)/10))
				time.Sleep(time.Second)
			}
			time.Sleep(time.Minute)
			say("done")
		}}, func(ctx context.Context, at Settings) (any, error) {
			if running++; running > 1 {
				t.Error("two at a time")
			}
			defer func() { running-- }()
			if at.Float("noise") != 0.5 { // the first is quick
				select {
				case <-ctx.Done():
					time.Sleep(1500 * time.Millisecond) // slow to notice
					return nil, ctx.Err()
				case <-time.After(10 * time.Second):
				}
			}
			drew = append(drew, at.Float("noise"))
			return heat("x"), nil
		}, twoKnobs())
		if fmt.Sprint(drew) != "[0.5 0.4]" || strings.Join(w.rec.log, " ") != "update place:knobs update place:knobs flush" {
			t.Errorf("drew %v: %q", drew, w.rec.log)
		}
	})
}

// What goes wrong is said below the figure, and the reader can move on.
func TestLiveGoesOnAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.live(reader{act: func(say func(string)) {
			for i, v := range []float64{0.9, 0.1} {
				say(fmt.Sprintf(`{"":%d,"noise":%v}`, i+1, v))
				time.Sleep(time.Second)
			}
			say("done")
		}}, func(ctx context.Context, at Settings) (any, error) {
			if at.Float("noise") > 0.8 {
				return nil, errors.New("too <much> noise")
			}
			return titled(ctx, at)
		}, twoKnobs())
		if got := strings.Join(w.rec.log, " "); got != "update place:knobs place:note update place:note place:knobs flush" {
			t.Errorf("did %q", got)
		}
		if note := w.rec.places[1]; !strings.Contains(note, "too &lt;much&gt; noise") || w.rec.places[2] != "" {
			t.Errorf("notes %q", w.rec.places)
		}
	})
}

// An interrupt ends the cell, and leaves the figure with its settings.
func TestLiveInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := newWorld(t)
		w.live(reader{act: func(say func(string)) {
			say(`{"":1,"noise":0.2}`)
			time.Sleep(time.Second)
			w.cancel()
		}}, func(ctx context.Context, at Settings) (any, error) {
			if at.Float("noise") == 0.2 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return titled(ctx, at)
		}, twoKnobs())
		if got := strings.Join(w.rec.log, " "); got != "update place:knobs place:knobs flush failure flush" || len(w.exits) != 1 || !strings.Contains(w.rec.failures[0], "interrupted") {
			t.Errorf("did %q, exits %v, %q", got, w.exits, w.rec.failures)
		}
		if !strings.Contains(w.rec.places[1], "noise: 0.5") || time.Since(start) > 2*time.Second {
			t.Errorf("after %v, what stays is %q", time.Since(start), w.rec.places[1])
		}
	})
}

func TestLiveRefuses(t *testing.T) {
	table := func(context.Context, Settings) (any, error) { return "words", nil }
	wrong := func(_ context.Context, at Settings) (any, error) { at.Int("niose"); return heat("x"), nil }
	for says, give := range map[string]struct {
		draw  func(context.Context, Settings) (any, error)
		knobs []Knob
	}{
		"give a function":          {nil, twoKnobs()},
		"at least one knob":        {titled, nil},
		"has no name":              {titled, []Knob{Slider(" ", 0, 1, 0)}},
		"two knobs have the name":  {titled, []Knob{Slider("a", 0, 1, 0), Menu("a", 0, "x", "y")}},
		"goes from 2 to 1":         {titled, []Knob{Slider("a", 2, 1, 1)}},
		"starts at 3":              {titled, []Knob{Slider("a", 0, 1, 3)}},
		"has 1 options":            {titled, []Knob{Menu("a", 0, "x")}},
		"steps of 0":               {titled, []Knob{{Name: "a", High: 1}}},
		"a string cannot be drawn": {table, twoKnobs()},
		`there is no knob "niose"; there are ["class"`: {wrong, twoKnobs()},
		"nothing to draw": {func(context.Context, Settings) (any, error) { return render.View{}, nil }, twoKnobs()},
	} {
		w := newWorld(t)
		w.live(reader{absent: true}, give.draw, give.knobs)
		if len(w.exits) != 1 || !strings.Contains(w.rec.failures[0], says) {
			t.Errorf("failures %q do not say %q", w.rec.failures, says)
		}
	}
	if k := Slider("steps", 10, 200, 50); k.Step != 1 {
		t.Errorf("%+v", k)
	}
}
