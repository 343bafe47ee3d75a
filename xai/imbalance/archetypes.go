package imbalance

import "fmt"

// Archetype says how a member stands among its nearest neighbours.
type Archetype int

const (
	Safe    Archetype = iota // among its own class
	Border                   // between classes
	Rare                     // with hardly another one of its class: a sub-concept
	Outlier                  // with none of its class: perhaps noise
)

// ArchetypeCount is the number of archetypes.
const ArchetypeCount = 4

// String returns "safe", "border", "rare" or "outlier".
func (a Archetype) String() string {
	if a >= Safe && a <= Outlier {
		return [...]string{"safe", "border", "rare", "outlier"}[a]
	}
	return fmt.Sprintf("Archetype(%d)", int(a))
}

// RareRule says which members with few neighbours of their class are rare.
type RareRule int

const (
	// Count calls them all rare, as Dablain et al. do.
	Count RareRule = iota

	// Isolated calls them rare only if they form a group apart, as Napierala and
	// Stefanowski (Types of minority class examples and their influence on learning
	// classifiers from imbalanced data, J. Intell. Inf. Syst. 2016) do; else they are
	// border. At k = 5, where the member has one neighbour j of its class: rare if j has no
	// neighbour of that class, or only the member itself. At any k: rare if every neighbour
	// j of its class has no neighbours of that class but the member and its own neighbours.
	Isolated
)

// String returns "count" or "isolated".
func (r RareRule) String() string {
	if r == Count || r == Isolated {
		return [...]string{"count", "isolated"}[r]
	}
	return fmt.Sprintf("RareRule(%d)", int(r))
}

// Typing says how members are sorted into archetypes. The zero value is the paper's.
type Typing struct {
	Rare RareRule // default Count

	// Small sorts the members of classes that are too small to have a safe one too; a class
	// without members has none to sort. By default such a class is an [ErrDegenerateClass].
	Small bool
}

// archetype sorts a member with s of k neighbours of its class. The bounds for other k than
// the paper's 5 are those of Napierala and Stefanowski, on s/k.
func archetype(s, k int) Archetype {
	switch {
	case 10*s > 7*k: // at k = 5: 4 or 5
		return Safe
	case 10*s > 3*k: // 2 or 3
		return Border
	case 10*s > k: // 1
		return Rare
	}
	return Outlier
}

// need returns the size of the smallest class that can have a safe member: the least safe
// number of neighbours and the member itself.
func need(k int) int {
	return 7*k/10 + 2
}

// Archetypes sorts every member by s_i, the number of its K neighbours that have its label
// (Dablain et al., step 5). At K = 5:
//
//	safe 4 or 5, border 2 or 3, rare 1, outlier 0
//
// At any K: safe above 0.7 K, border above 0.3 K, rare above 0.1 K, else outlier. Members of
// all classes are sorted, not only those of small ones.
//
// A member of a small class has neighbours of large classes by their number alone: see
// [ClassRow.SafeLevel] for a measure that allows for that.
func (n Neighborhood) Archetypes(t Typing) ([]Archetype, error) {
	const where = "imbalance.Neighborhood.Archetypes"
	if err := n.check(where); err != nil {
		return nil, err
	}
	if t.Rare != Count && t.Rare != Isolated {
		return nil, fmt.Errorf("%s: Typing.Rare is %v; want Count or Isolated", where, t.Rare)
	}
	train := n
	if n.Train != nil {
		train = *n.Train
	}
	if !t.Small {
		for c, have := range count(train.Labels, len(train.Classes)) {
			if want := need(n.K); have < want {
				return nil, fmt.Errorf("%s: with %d neighbours no member can be safe: %w; take fewer neighbours, leave the class out, or set Typing.Small",
					where, n.K, ErrDegenerateClass{Class: n.Classes[c], Need: want, Have: have})
			}
		}
	}
	out := make([]Archetype, len(n.Labels))
	for i := range out {
		out[i] = archetype(n.same(i), n.K)
		if out[i] == Rare && t.Rare == Isolated && !n.isolated(i, train) {
			out[i] = Border
		}
	}
	return out, nil
}

// isolated reports whether member i and its neighbours of its class are a group apart among
// the training members.
func (n Neighborhood) isolated(i int, train Neighborhood) bool {
	label := n.Labels[i]
	group := map[int]bool{}
	if n.Train == nil {
		group[i] = true
	}
	index, near := n.At(i)
	for at, j := range index {
		if near[at] == label {
			group[j] = true
		}
	}
	for at, j := range index {
		if near[at] != label {
			continue
		}
		friends, labels := train.At(j)
		for q, f := range friends {
			if labels[q] == label && !group[f] {
				return false
			}
		}
	}
	return true
}

func checkArchetypes(where string, archetypes []Archetype, n int) error {
	if len(archetypes) != n {
		return fmt.Errorf("%s: %d archetypes for %d members", where, len(archetypes), n)
	}
	for i, a := range archetypes {
		if a < Safe || a > Outlier {
			return fmt.Errorf("%s: member %d has archetype %d; there are safe (0) to outlier (3)", where, i, int(a))
		}
	}
	return nil
}
