package datasets

import (
	"slices"

	"github.com/whybook/whybook/xai/seed"
)

// ShuffleLabels deals the labels of the set out anew, at random, so that images and labels
// have nothing to do with each other any more and the sizes of the classes stay. A network
// trained on the result has learned by heart: explanations that look the same for it say
// nothing about what was learned (Adebayo et al. 2018, arXiv:1810.03292, section 3.2). With
// Tagged after it, the tag is all that tells the class.
func (r Recipe) ShuffleLabels() Recipe { return r.then(shuffle{}) }

// ShuffleLabels returns a recipe whose labels are dealt out anew. See Recipe.ShuffleLabels.
func (s Set) ShuffleLabels() Recipe { return From(s).ShuffleLabels() }

type shuffle struct{}

func (shuffle) String() string { return "ShuffleLabels()" }

func (shuffle) apply(s Set, sd uint64, place int) (Set, error) {
	s.Labels = slices.Clone(s.Labels)
	seed.Stream(sd, "shuffle labels", place).Shuffle(len(s.Labels), func(i, j int) {
		s.Labels[i], s.Labels[j] = s.Labels[j], s.Labels[i]
	})
	s.Name += ", labels shuffled"
	return s, nil
}
