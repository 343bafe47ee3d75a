package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/whybook/whybook/kernelext/cmd/whybook/internal/page"
	"github.com/whybook/whybook/kernelext/jupyter"
)

// The form of JUnit's reports that CI servers read: a suite for each notebook, a case for
// each cell with code.
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     seconds      `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     seconds     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Time    seconds     `xml:"time,attr"`
		Failure *junitCause `xml:"failure"`
		Error   *junitCause `xml:"error"`
		Skipped *junitCause `xml:"skipped"`
	}
	junitCause struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	seconds time.Duration
)

// MarshalText writes a time as JUnit does.
func (s seconds) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	s.Time += c.Time
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// suiteOf describes a run. done says how each executed cell ended, by its index; the
// notebook is nil when it could not be read.
func suiteOf(path string, nb *jupyter.Notebook, done map[int]jupyter.Progress, failure error) junitSuite {
	s := junitSuite{Name: path}
	var cell *jupyter.CellError
	if failure != nil && !errors.As(failure, &cell) {
		cause := &junitCause{Message: firstLine(failure.Error()), Text: page.Plain(failure.Error())}
		s.add(junitCase{Name: "notebook", Class: path, Error: cause})
	}
	if nb == nil {
		return s
	}
	for i, c := range nb.Cells {
		if c.Type != jupyter.Code {
			continue
		}
		entry := junitCase{Name: fmt.Sprintf("cell %d: %s", i+1, headline(c.Source)), Class: path}
		p, ran := done[i]
		switch {
		case !ran:
			entry.Skipped = &junitCause{Message: "not run"}
		case p.Err != nil:
			entry.Failure = &junitCause{Message: firstLine(p.Err.Error())}
			if errors.As(p.Err, &cell) {
				entry.Failure.Text = describe(nb, cell)
			}
		}
		entry.Time = seconds(p.Elapsed)
		s.add(entry)
	}
	return s
}

// writeJUnit writes the report of all notebooks.
func writeJUnit(path string, suites []junitSuite) error {
	r := junitReport{Name: "whybook run", Suites: suites}
	for _, s := range suites {
		r.Tests += s.Tests
		r.Failures += s.Failures
		r.Errors += s.Errors
		r.Skipped += s.Skipped
		r.Time += s.Time
	}
	data, err := xml.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(data, '\n')...), 0o644)
}
