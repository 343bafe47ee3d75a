package cnninte

import (
	"fmt"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns a row for every instance, in order: columns index, class, network and tree
// (names of classes), and for each factor g the clusters "factor g" that the forest gives and
// "oracle g" of the true hidden values, counted from 1.
func (t *Tested) Table() dataframe.DataFrame {
	names := func(classes []int) []string {
		list := make([]string, len(classes))
		for i, c := range classes {
			list[i] = t.in.class(c)
		}
		return list
	}
	columns := []series.Series{
		series.New(indices(0, t.Len()), series.Int, "index"), series.New(names(t.Labels), series.String, "class"),
		series.New(names(t.Network), series.String, "network"), series.New(names(t.Tree), series.String, "tree"),
	}
	fromOne := func(clusters []int) []int {
		list := make([]int, len(clusters))
		for i, c := range clusters {
			list[i] = c + 1
		}
		return list
	}
	for g := range t.Forests {
		columns = append(columns, series.New(fromOne(t.Forests[g]), series.Int, fmt.Sprintf("factor %d", g+1)),
			series.New(fromOne(t.Oracle[g]), series.Int, fmt.Sprintf("oracle %d", g+1)))
	}
	return dataframe.New(columns...)
}
