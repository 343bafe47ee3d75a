// Package datasets holds labelled images and tables, and the recipes that make them.
//
// A [Set] is data in memory: bytes for images, float64 for tables, a label per sample,
// and, where it is known, a mask of the truth. A [Recipe] describes how a Set is made and
// costs nothing until its Build:
//
//	digits, err := datasets.MNIST().Train().Take(2000).Seed(7).Build(ctx)
//	cats, err := datasets.File("photos.zip", datasets.Images{Width: 64, Height: 64}).Build(ctx)
//
// Both satisfy [Source], which is what training and explanations take. A recipe's Key names
// everything that determines its result, so that a cache can tell whether it has the set
// already; Save and Load are the cache's codec.
//
// # Where sets come from
//
// A part of MNIST is embedded and needs no file and no network; MNIST().Full() fetches the
// rest once. [File] reads the formats IDX (MNIST, Fashion-MNIST), CIFAR-10 and CIFAR-100,
// MedMNIST, folders and zip files of images, and CSV. The functions whose names begin with
// Read do the same for any io.Reader or fs.FS, [FromFrame] for a gota data frame, and
// [FromImage] for a single image. [Blobs], [Recipe.Tagged], [Recipe.Pasted] and
// [Recipe.Mosaics] make sets whose truth is known, on which an explanation can be proved right
// or wrong.
//
// # What can be done with them
//
// Take, Split and Only choose samples. LongTail and Step make a balanced set imbalanced,
// with the class sizes of Cao et al. (2019), "Learning Imbalanced Datasets with
// Label-Distribution-Aware Margin Loss", as Dablain et al. (2024), "Understanding
// imbalanced data: XAI & interpretable ML framework", use them.
//
// # Randomness
//
// Every random step draws from a stream named by the recipe's seed, the step and its place
// in the chain, so a chain makes the same bytes everywhere. Seed 0 is a seed like any
// other; nothing depends on the clock.
//
// # Environment
//
// WHYBOOK_DATA names a folder with files the user fetched by hand, WHYBOOK_CACHE the folder
// that fetched files are kept under (in its subfolder data) instead of the user's cache
// folder.
package datasets
