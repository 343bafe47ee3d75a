package imbalance_test

import (
	"context"
	"fmt"
	"os"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/imbalance"
)

func Example() {
	f, err := os.Open("testdata/iris.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	iris, err := datasets.ReadCSV(f, datasets.CSV{Label: "species"})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := imbalance.Complexity{}.MeasureSet(context.Background(), iris)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("N1 by %v: %.4f\n", t.Options.Convention, t.Get("N1"))
	for c, v := range t.Column("N1").Values {
		fmt.Printf("%s %.2f\n", t.Classes[c].Name, v)
	}
	// Output:
	// N1 by ECoL: 0.1067
	// setosa 0.02
	// versicolor 0.16
	// virginica 0.14
}
