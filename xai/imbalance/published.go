package imbalance

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/whybook/whybook/datasets"
)

// ReadNeighbors reads a table of neighbours in the form that the paper's authors publish: a
// CSV file with a header and a line for each training member, in order,
//
//	actual,idx,pred,cats,N0,...,I0,...
//
// with its label, its number (from 0), the model's prediction, the archetype (0 safe to 3
// outlier), and the labels and numbers of its nearest neighbours, nearest first. Numbers may
// be written 3.0. Other columns are left alone. Without names the classes are numbered.
//
// The analysis has the file's archetypes, and neither features nor images. Errors match
// [datasets.ErrFormat] and name the line.
func ReadNeighbors(r io.Reader, classes ...string) (Analysis, error) {
	const where = "imbalance.ReadNeighbors"
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return Analysis{}, fmt.Errorf("%s: header: %w: %w", where, err, datasets.ErrFormat)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	k := 0
	for {
		if _, ok := at["I"+strconv.Itoa(k)]; !ok {
			break
		}
		k++
	}
	names := []string{"actual", "idx", "pred", "cats"}
	for q := range k {
		names = append(names, "N"+strconv.Itoa(q), "I"+strconv.Itoa(q))
	}
	for _, name := range names {
		if _, ok := at[name]; !ok {
			return Analysis{}, fmt.Errorf("%s: no column %q in the header: %w", where, name, datasets.ErrFormat)
		}
	}
	if k == 0 {
		return Analysis{}, fmt.Errorf("%s: no columns I0, I1, ... in the header: %w", where, datasets.ErrFormat)
	}
	var a Analysis
	var near, index []int
	values := make([]int, len(names))
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Analysis{}, fmt.Errorf("%s: %w: %w", where, err, datasets.ErrFormat)
		}
		row, _ := in.FieldPos(0)
		for p, name := range names {
			v, err := strconv.ParseFloat(line[at[name]], 64)
			if err != nil || v != math.Trunc(v) || v < 0 || v > 1<<40 {
				return Analysis{}, fmt.Errorf("%s: line %d, column %q: %q is no number from 0: %w", where, row, name, line[at[name]], datasets.ErrFormat)
			}
			values[p] = int(v)
		}
		if values[1] != len(a.Train.Labels) {
			return Analysis{}, fmt.Errorf("%s: line %d: idx is %d, want %d: members stand in order: %w", where, row, values[1], len(a.Train.Labels), datasets.ErrFormat)
		}
		a.Train.Labels = append(a.Train.Labels, values[0])
		a.Train.Predicted = append(a.Train.Predicted, values[2])
		a.Archetypes = append(a.Archetypes, Archetype(values[3]))
		for q := range k {
			near, index = append(near, values[4+2*q]), append(index, values[5+2*q])
		}
	}
	if len(classes) > 0 {
		a.Train.Classes = classes
	}
	a.Train.Name = "published neighbours"
	if a.Train, err = a.Train.checked(where); err != nil {
		return Analysis{}, fmt.Errorf("%w: %w", err, datasets.ErrFormat)
	}
	if err := checkArchetypes(where, a.Archetypes, a.Train.Len()); err != nil {
		return Analysis{}, fmt.Errorf("%w: %w", err, datasets.ErrFormat)
	}
	if a.Near, err = FromLists(a.Train.Classes, a.Train.Labels, k, index); err != nil {
		return Analysis{}, fmt.Errorf("%s: %w: %w", where, err, datasets.ErrFormat)
	}
	for p, c := range near {
		if c != a.Near.Near[p] {
			return Analysis{}, fmt.Errorf("%s: member %d: the label of its neighbour %d (member %d) is %d, the file says %d: %w",
				where, p/k, p%k, index[p], a.Near.Near[p], c, datasets.ErrFormat)
		}
	}
	a.K = k
	a.Provenance = Provenance{Version: version, Steps: where}
	return a, nil
}
