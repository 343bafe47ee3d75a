package imbalance_test

import (
	"testing"

	"github.com/go-gota/gota/dataframe"
)

func TestTables(t *testing.T) {
	_, a := small(t)
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Errors()
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.Importance(4)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		df            dataframe.DataFrame
		rows, columns int
	}{
		"summary": {s.Table(), 3, 13}, "members": {a.Table(), 60, 5}, "rivals": {r.Table(), 6, 4}, "importance": {f.Table(), 12, 5}, "colours": {a.Colours.Table(), 3 * 5 * 16, 8},
	} {
		if c.df.Err != nil || c.df.Nrow() != c.rows || c.df.Ncol() != c.columns {
			t.Errorf("%s: %d x %d, %v; want %d x %d", name, c.df.Nrow(), c.df.Ncol(), c.df.Err, c.rows, c.columns)
		}
	}
	total := 0
	n, err := s.Table().Col("n").Int()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range n {
		total += v
	}
	if total != 60 {
		t.Errorf("%d members in the table, want 60", total)
	}
	if got := s.Table().Col("class").Records(); got[0] != "0" || got[2] != "7" {
		t.Errorf("classes %v", got)
	}
	shares := r.Table().Col("share").Float()
	for i := 0; i < 6; i += 2 {
		if sum := shares[i] + shares[i+1]; sum != 0 && (sum < 1-1e-12 || sum > 1+1e-12) {
			t.Errorf("shares %v of class %d", shares[i:i+2], i/2)
		}
	}
}
