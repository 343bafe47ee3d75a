package datasets

import (
	"fmt"
	"io"
	"path/filepath"
)

const cifarPixels = 3 * 32 * 32

// ReadCIFAR10 reads CIFAR-10 in its binary format, plain or gzipped: per image a label
// byte and 3,072 bytes in R, G and B planes. Several files, such as the five training
// batches, are read one after the other. Errors name the file, as its Name method does or else by its
// place, and match ErrFormat for a file that ends
// within an image and ErrLabel for a label above 9.
func ReadCIFAR10(files ...io.Reader) (Set, error) {
	return readCIFAR("CIFAR-10", files, 1, 0, cifar10Classes())
}

// ReadCIFAR100 reads CIFAR-100 in its binary format, like ReadCIFAR10, with its 100 fine
// classes.
func ReadCIFAR100(files ...io.Reader) (Set, error) {
	return readCIFAR("CIFAR-100", files, 2, 1, cifar100Classes())
}

// ReadCIFAR100Coarse reads CIFAR-100 with its 20 superclasses.
func ReadCIFAR100Coarse(files ...io.Reader) (Set, error) {
	return readCIFAR("CIFAR-100 coarse", files, 2, 0, cifar100Superclasses())
}

// readCIFAR reads images that are preceded by some label bytes, of which one is used.
func readCIFAR(name string, files []io.Reader, labels, use int, classes []string) (Set, error) {
	s := Set{Name: name, Shape: Shape{3, 32, 32}, Classes: classes, Pixels: []uint8{}, Labels: []int{}}
	for k, file := range files {
		where := fmt.Sprintf("file %d", k+1)
		if f, ok := file.(interface{ Name() string }); ok { // as *os.File
			where = filepath.Base(f.Name())
		}
		r, err := gunzip(file)
		if err != nil {
			return Set{}, errorf("%s: %s: %w", name, where, err)
		}
		record := make([]byte, labels+cifarPixels)
		for i := 0; ; i++ {
			n, err := io.ReadFull(r, record)
			if err == io.EOF {
				break
			}
			if err == io.ErrUnexpectedEOF {
				err = fmt.Errorf("ends after %d of its %d bytes: %w", n, len(record), ErrFormat)
			} else if y := int(record[use]); err == nil && y >= len(classes) {
				err = fmt.Errorf("label %d, want 0-%d: %w", y, len(classes)-1, ErrLabel)
			} else if err == nil && len(s.Pixels) > maxValues-cifarPixels {
				err = fmt.Errorf("more than %d values: %w", maxValues, ErrFormat)
			}
			if err != nil {
				return Set{}, errorf("%s: %s, image %d: %w", name, where, i, err)
			}
			s.Labels = append(s.Labels, int(record[use]))
			s.Pixels = append(s.Pixels, record[labels:]...)
		}
	}
	if s.Len() == 0 {
		return Set{}, errorf("%s: no images: %w", name, ErrFormat)
	}
	return s, nil
}

func cifar10Classes() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

func cifar100Classes() []string {
	return []string{
		"apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
		"bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
		"chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
		"dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
		"lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
		"mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
		"plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
		"rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
		"squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
		"train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
	}
}

func cifar100Superclasses() []string {
	return []string{
		"aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
		"household_electrical_devices", "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
		"large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
		"reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
	}
}
