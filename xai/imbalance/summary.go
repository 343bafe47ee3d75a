package imbalance

// ClassRow says how the members of a class stand among their neighbours. Shares are from 0
// to 1, NaN where there is nothing to divide by.
type ClassRow struct {
	Class      string
	Size       int                 // members
	Archetypes [ArchetypeCount]int // members of each archetype
	Error      float64             // share of the members that the model gets wrong; NaN without predictions
	KDN        float64             // mean of (k - s_i)/k: neighbours that disagree
	N3         float64             // share whose nearest neighbour has another label: the leave-one-out error of 1-NN
	Overlap    float64             // degOver: share with a neighbour of another class at all

	// SafeLevel is the mean of (1/k) sum over neighbours j of mu, where mu is 1 for a
	// neighbour of the class and min(n_c, n_j)/max(n_c, n_j) for one of another class
	// (Lango, Napierala and Stefanowski): neighbours of classes of a very different size
	// count against a member, for they are near by their number.
	SafeLevel float64
	Recall    float64 // share of held-out members that the model gets right; NaN where not known
}

// SafeShare returns the share of safe members; NaN for a class without members.
func (r ClassRow) SafeShare() float64 {
	return share(r.Archetypes[Safe], r.Size)
}

// ArchetypeRow says how the model fares with an archetype.
type ArchetypeRow struct {
	Archetype Archetype
	Size      int // members
	Wrong     int // those that the model gets wrong; -1 without predictions
}

// Error returns the share of the members that the model gets wrong; NaN where not known.
func (r ArchetypeRow) Error() float64 {
	if r.Wrong < 0 {
		return nan
	}
	return share(r.Wrong, r.Size)
}

// Summary is a table of classes.
type Summary struct {
	K      int
	Rows   []ClassRow                   // one per class
	All    ClassRow                     // all members; its measures are means over members, its recall that over classes
	Errors [ArchetypeCount]ArchetypeRow // one per archetype
}

// Summarize puts the neighbourhood measures of every class into a table. predicted may be
// nil; archetypes are those of [Neighborhood.Archetypes].
func Summarize(n Neighborhood, predicted []int, archetypes []Archetype) (Summary, error) {
	const where = "imbalance.Summarize"
	if err := n.check(where); err != nil {
		return Summary{}, err
	}
	if err := checkArchetypes(where, archetypes, len(n.Labels)); err != nil {
		return Summary{}, err
	}
	if _, err := (Members{Classes: n.Classes, Labels: n.Labels, Predicted: predicted}).checked(where); err != nil {
		return Summary{}, err
	}
	k := len(n.Classes)
	train := n.Labels
	if n.Train != nil {
		train = n.Train.Labels
	}
	sizes := count(train, k)
	s := Summary{K: n.K, Rows: make([]ClassRow, k), All: ClassRow{Class: "all", Recall: nan}}
	for a := range s.Errors {
		s.Errors[a].Archetype = Archetype(a)
		if predicted == nil {
			s.Errors[a].Wrong = -1
		}
	}
	for c := range s.Rows {
		s.Rows[c] = ClassRow{Class: n.Classes[c], Recall: nan}
	}
	wrong := make([]int, k)
	for i, c := range n.Labels {
		row := &s.Rows[c]
		row.Size++
		row.Archetypes[archetypes[i]]++
		s.Errors[archetypes[i]].Size++
		if predicted != nil && predicted[i] != c {
			wrong[c]++
			s.Errors[archetypes[i]].Wrong++
		}
		same := n.same(i)
		row.KDN += float64(n.K-same) / float64(n.K)
		_, near := n.At(i)
		if near[0] != c {
			row.N3++
		}
		if same < n.K {
			row.Overlap++
		}
		level := 0.0
		for _, j := range near {
			level += float64(min(sizes[c], sizes[j])) / float64(max(sizes[c], sizes[j]))
		}
		row.SafeLevel += level / float64(n.K)
	}
	all := 0
	for c := range s.Rows {
		row := &s.Rows[c]
		s.All.Size += row.Size
		for a, m := range row.Archetypes {
			s.All.Archetypes[a] += m
		}
		s.All.KDN += row.KDN
		s.All.N3 += row.N3
		s.All.Overlap += row.Overlap
		s.All.SafeLevel += row.SafeLevel
		all += wrong[c]
		row.divide(wrong[c], predicted != nil)
	}
	s.All.divide(all, predicted != nil)
	return s, nil
}

// divide turns sums over members into means.
func (r *ClassRow) divide(wrong int, predicted bool) {
	size := float64(r.Size) // 0/0 is NaN: not known
	r.KDN, r.N3, r.Overlap, r.SafeLevel = r.KDN/size, r.N3/size, r.Overlap/size, r.SafeLevel/size
	if r.Error = nan; predicted {
		r.Error = share(wrong, r.Size)
	}
}
