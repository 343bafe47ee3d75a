package datasets_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing/fstest"

	"github.com/go-gota/gota/dataframe"
	"github.com/whybook/whybook/datasets"
)

func Example() {
	recipe := datasets.MNIST().Train().Take(2000).Seed(7)
	digits, err := recipe.Build(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	x := digits.At(85)
	fmt.Println(digits.Name, digits.Len(), digits.Shape, digits.Counts())
	fmt.Println("sample 85 is a", x.Class, "of", len(x.X), "values")
	// Output:
	// MNIST train 2000 1x28x28 [200 200 200 200 200 200 200 200 200 200]
	// sample 85 is a 7 of 784 values
}

func ExampleMNIST() {
	test, err := datasets.MNIST().Test().Build(context.Background())
	fmt.Println(test.Name, test.Len(), err)
	// Output:
	// MNIST test 1000 <nil>
}

func ExampleRecipe_LongTail() {
	set, err := datasets.MNIST().LongTail(0.01).Build(context.Background())
	fmt.Println(set.Counts(), err)
	// Output:
	// [500 299 179 107 64 38 23 13 8 5] <nil>
}

func ExampleRecipe_Step() {
	set, err := datasets.MNIST().Step(0.1).Build(context.Background())
	fmt.Println(set.Counts(), err)
	// Output:
	// [500 500 500 500 500 50 50 50 50 50] <nil>
}

func ExampleRecipe_Split() {
	train, test := datasets.MNIST().Seed(7).Split(0.8)
	a, _ := train.Build(context.Background())
	b, _ := test.Build(context.Background())
	fmt.Println(a.Len(), b.Len())
	// Output:
	// 4000 1000
}

func ExampleRecipe_Only() {
	set, err := datasets.MNIST().Only("4", "9").Build(context.Background())
	fmt.Println(set.Classes, set.Counts(), err)

	_, err = datasets.MNIST().Only("four").Build(context.Background())
	fmt.Println(err)
	// Output:
	// [4 9] [500 500] <nil>
	// datasets.Recipe.Only("four"): the set "MNIST train" has no class "four", only ["0" "1" "2" "3" "4" "5" "6" "7" "8" "9"]: no such class
}

func ExampleRecipe_Tagged() {
	set, err := datasets.MNIST().Take(10).Tagged(datasets.Tag{Size: 3}).Build(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	x, truth := set.At(0), 0
	for _, tagged := range x.Mask {
		if tagged {
			truth++
		}
	}
	fmt.Println(x.Shape, "with", truth, "pixels that give the class away")
	// Output:
	// 3x28x28 with 9 pixels that give the class away
}

func ExampleBlobs() {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 60, Noise: 1}).Seed(1).Build(context.Background())
	fmt.Println(set.Columns, set.Counts(), err)
	// Output:
	// [x1 x2 noise1] [20 20 20] <nil>
}

func ExampleSet_Take() {
	iris, err := datasets.ReadCSV(strings.NewReader("length,width,species\n5.1,3.5,setosa\n6.2,2.9,versicolor\n"),
		datasets.CSV{Label: "species"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = iris.Take(3).Build(context.Background())
	fmt.Println(err)
	// Output:
	// datasets.Recipe.Take(3): the set "table" has only 2 samples: too few samples
}

func ExampleReadCSV() {
	_, err := datasets.ReadCSV(strings.NewReader("age,income,bought\n31,2800,yes\n44,NaN,no\n"), datasets.CSV{Label: "bought"})
	fmt.Println(err)
	// Output:
	// datasets: CSV: row 2, column "income" is missing or NaN; fill or drop it: value is not finite
}

func ExampleFromFrame() {
	df := dataframe.ReadCSV(strings.NewReader("age,income,bought\n31,2800,yes\n44,3100,no\n"))
	set, err := datasets.FromFrame(df, "bought")
	fmt.Println(set.Columns, set.Classes, set.Values, err)
	// Output:
	// [age income] [no yes] [31 2800 44 3100] <nil>
}

// Any fs.FS is an image folder: os.DirFS, a zip file, embedded files.
func ExampleReadImages() {
	folder := fstest.MapFS{
		"cat/tom.jpg":  {Data: []byte("not really a picture")},
		"dog/rex.jpeg": {Data: []byte("nor is this")},
	}
	_, err := datasets.ReadImages(context.Background(), folder, datasets.Images{Width: 64, Height: 64})
	fmt.Println(err)
	// Output:
	// datasets: images: cat/tom.jpg: image: unknown format: malformed data
}

func ExampleFromImage() {
	img := image.NewGray(image.Rect(0, 0, 56, 56))
	img.SetGray(0, 0, color.Gray{Y: 255})
	x := datasets.FromImage(img, datasets.Images{Width: 28, Height: 28, Grey: true})
	fmt.Printf("%v, first pixel %.3f, label %d\n", x.Shape, x.X[0], x.Label)
	// Output:
	// 1x28x28, first pixel 0.251, label -1
}

// A file is read when the recipe is built, and its content is part of the recipe's key.
func ExampleFile() {
	xrays := datasets.File("pneumoniamnist.npz", datasets.MedMNIST{Split: "test", Classes: []string{"normal", "pneumonia"}})
	_, err := xrays.Take(100).Build(context.Background())
	fmt.Println(err)
	// Output:
	// datasets.File("pneumoniamnist.npz"): open pneumoniamnist.npz: no such file or directory
}

func ExampleWatch() {
	ctx := datasets.Watch(context.Background(), datasets.Watcher{
		Progress: func(task string, done, total int) { fmt.Printf("%s: %d of %d\n", task, done, total) },
		Warn:     func(message string) { fmt.Println("note:", message) },
	})
	_, err := datasets.MNIST().Build(ctx) // embedded, so there is nothing to report
	fmt.Println(err)
	// Output:
	// <nil>
}

// Two digits in a scene, each on the stripes of its class: a sample for each, with its mask.
func ExampleRecipe_Pasted() {
	scenes, err := datasets.MNIST().Only("3", "8").Take(10).Pasted(datasets.Texture{Side: 64, Objects: 2}).Build(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(scenes.Len(), "samples of", scenes.Shape)
	// Output: 10 samples of 1x64x64
}
