package render

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestWidgetsInBrowser operates every widget by its controls, with names that try to inject
// markup, on a page that holds the output twice, as a notebook may, and asks for no network.
func TestWidgetsInBrowser(t *testing.T) {
	t.Parallel()
	attack := func(s string) string {
		return s + `"><img src=x onerror="say('attacked')"><script>say('attacked')</script>`
	}
	views := chartKinds(attack)
	html := must(Column(views["choice"], views["swipe"], views["threshold"], views["sifted"],
		Threshold{Of: relevances(attack).View(), Start: 0.2, Positive: true}.View()).HTML())
	got := browse(t, "<body style='width:900px'>"+html+html, `
var choices=document.querySelectorAll('.whybook-frames'),box=choices[1],select=box.querySelector('select'),swipes=document.querySelectorAll('.whybook-swipe'),sifts=document.querySelectorAll('.whybook-threshold');
say([choices,swipes,sifts].map(function(l){return l.length+':'+Array.from(l).map(function(b){return b.querySelectorAll('.whybook-bar').length}).join('')}).join(' '));
function shown(){return Array.from(box.querySelectorAll('.whybook-frame')).map(function(e){return e.offsetWidth?1:0}).join('')}
say(shown()+' '+select.options[1].textContent.slice(0,5)+' '+select.labels[0].textContent.slice(0,5));
select.value=2;select.oninput();say(shown());
var range=swipes[1].querySelector('input'),stage=swipes[1].querySelector('.whybook-over'),imgs=stage.querySelectorAll('img'),a=imgs[0].getBoundingClientRect(),b=imgs[1].getBoundingClientRect();
say((a.left===b.left&&a.top===b.top&&a.width===b.width)+' '+imgs[1].style.clipPath+' '+swipes[1].querySelector('.whybook-parts').offsetWidth);
stage.dispatchEvent(new PointerEvent('pointerdown',{buttons:1,clientX:a.left+a.width*.25,bubbles:true}));say(range.value+' '+imgs[1].style.clipPath);
swipes[1].querySelector('button').click();say((swipes[1].querySelector('.whybook-parts').offsetWidth>500)+' '+stage.offsetWidth);swipes[1].querySelector('button').click();
var bars=sifts[3],veil=bars.querySelector('canvas'),say2=bars.querySelector('output');
function alpha(c,i){return c.getContext('2d').getImageData(i%c.width,Math.floor(i/c.width),1,1).data[3]}
say([0,1,2,3,4].map(function(i){return alpha(veil,i)?1:0}).join('')+' '+say2.textContent.replace(/^.*\|/,''));
var r=bars.querySelector('input');r.value=150;r.oninput();say([0,1,2,3,4].map(function(i){return alpha(veil,i)?1:0}).join(''));
var above=sifts[5],plus=above.querySelector('canvas');say([0,1,2,3,4].map(function(i){return alpha(plus,i)?1:0}).join('')+' '+above.querySelector('output').textContent.replace(/^.*>/,''));
r=above.querySelector('input');r.value=0;r.oninput();say([0,1,2,3,4].map(function(i){return alpha(plus,i)?1:0}).join(''));
var map=sifts[1].querySelector('canvas'),pic=sifts[1].querySelector('img').getBoundingClientRect(),at=map.getBoundingClientRect();
say([at.left-pic.left,at.top-pic.top,at.width,at.height].map(Math.round).join(' '));
sifts[1].querySelector('input').value=1;sifts[1].querySelector('input').oninput();say(alpha(map,100)+' missing');
[select,range,r].forEach(function(e){e.focus();say(document.activeElement===e?getComputedStyle(e).outlineStyle:'not focused')});
say(document.querySelectorAll('img[src=x]').length+' attacks, '+performance.getEntriesByType('resource').filter(function(e){return e.name.indexOf('data:')}).length+' requests');
`)
	f := views["sifted"].web.(faded)
	m, _ := f.inner.heat()
	l := m.layout(pageWidth - 20*px)
	want := []string{
		"2:11 2:11 6:111111",
		`010 dog"&gt; class`, "001",
		"true inset(0px 50% 0px 0px) 0", "25 inset(0px 75% 0px 0px)", "true 0",
		"00001  ≥ 0.2: 4 of 5 bars, 98 % of the absolute sum", "01111",
		"00101  ≥ 0.2: 3 of 5 bars, 97 % of the sum of positive values", "00100",
		fmt.Sprintf("10 12 %.0f %.0f", float64(l.w/px), float64(l.h/px)), "0 missing",
		"solid", "solid", "solid", "0 attacks, 0 requests",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Where all parts of a choice are shown, one that is a figure of figures keeps its width.
func TestWidePartsKeepTheirWidth(t *testing.T) {
	t.Parallel()
	small := relevances(asIs).View()
	html := must(Choice{Views: []View{Row(small, small).Titled("wide"), HeatMap{Title: "narrow", Values: ramp28(), Height: 28, Width: 28}.View()}}.View().HTML())
	got := browse(t, "<body style='width:900px'>"+html, `
document.querySelector('.whybook-bar button').click();
say(Array.from(document.querySelectorAll('.whybook-frame')).map(function(e){return e.offsetWidth>600?'wide':e.offsetWidth<=270?'narrow':e.offsetWidth}).join(' '));`)
	if strings.Join(got, "\n") != "wide narrow" {
		t.Errorf("the parts are %q", got)
	}
}

// The slider counts what the numbers say, at every step, whatever the values.
func TestThresholdSteps(t *testing.T) {
	for _, values := range [][]float64{{1, 0.6, -0.35, 0.2, 0.05}, {0, 0}, {-1e300, 1e300, math.NaN()}, {5e-324, 0}, {0.1, 0.2, 0.3}, {3}, {-2, -1}, {-2, 0.5, 0}} {
		for _, positive := range []bool{false, true} {
			v := Threshold{Of: HeatMap{Values: values, Height: 1, Width: len(values)}.View(), Positive: positive}.View()
			f := v.web.(faded)
			for step := range thresholdSteps + 1 {
				n, want := 0, 0
				for _, value := range values {
					if s := f.step(value); s < 254 && int(s) >= step {
						n++
					}
					if !positive {
						value = math.Abs(value)
					}
					if value/f.max*thresholdSteps >= float64(step)-1e-6 {
						want++
					}
				}
				if n != want {
					t.Errorf("%v, positive %v: %d values do not fade at step %d, want %d", values, positive, n, step, want)
				}
			}
			if _, err := v.Bundle(); err != nil {
				t.Error(err)
			}
		}
	}
	v := Threshold{Of: relevances(asIs).View(), Start: 0.2}.View()
	if text := strings.Join(strings.Fields(v.Text()), " "); !strings.Contains(text, "4 of 5 bars with |relevance| ≥ 0.2 carry 98 % of the absolute sum; 3 of 5 bars with |relevance| ≥ 0.25 carry 89 %") {
		t.Errorf("the text does not say what is left:\n%s", v.Text())
	}
	v = Threshold{Of: relevances(asIs).View(), Start: 0.2, Positive: true}.View()
	if text := strings.Join(strings.Fields(v.Text()), " "); !strings.Contains(text, "3 of 5 bars with relevance ≥ 0.2 carry 97 % of the sum of positive values; 2 of 5 bars with relevance ≥ 0.25 carry 86 %") {
		t.Errorf("the text does not say what positive values are left:\n%s", v.Text())
	}
}

// JupyterLab takes keys from an element that has the focus unless the element itself says that
// they are its own; one around it is looked at too late.
func TestControlsKeepTheirKeys(t *testing.T) {
	t.Parallel()
	views := chartKinds(asIs)
	var all []View
	for _, name := range []string{"choice", "frames", "swipe", "threshold", "ranking", "canvas", "flow", "tree"} {
		all = append(all, views[name])
	}
	got := browse(t, must(Column(all...).HTML()), `
var n=0,bad=[];
document.querySelectorAll('input,select,button,summary,a,[tabindex]').forEach(function(e){n++;if(!e.hasAttribute('data-lm-suppress-shortcuts')&&!e.closest('svg'))bad.push(e.outerHTML.slice(0,80))});
say(bad.slice(0,3).join(' '));say(n>30);`)
	if strings.Join(got, "|") != "|true" {
		t.Errorf("without keys of their own: %q", got)
	}
}
