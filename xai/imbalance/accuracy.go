package imbalance

// Accuracy is how often a model is right about the members of each class (Dablain et al.,
// step 4).
type Accuracy struct {
	Name    string   // of the model or the data
	Classes []string // names
	Right   []int    // members of each class that the model gets right
	Of      []int    // members of each class
	Sizes   []int    // training members of each class, the curve over the bars; nil for Of
}

// ClassAccuracy counts the right predictions of each class. trainSizes has the number of
// training members of each class, for the curve; nil where m are the training members.
func ClassAccuracy(m Members, trainSizes []int) (Accuracy, error) {
	const where = "imbalance.ClassAccuracy"
	m, err := m.withPredictions(where)
	if err != nil {
		return Accuracy{}, err
	}
	if trainSizes != nil && len(trainSizes) != len(m.Classes) {
		return Accuracy{}, errSizes(where, len(trainSizes), len(m.Classes))
	}
	a := Accuracy{Name: m.Name, Classes: m.Classes, Right: make([]int, len(m.Classes)), Of: m.Counts(), Sizes: trainSizes}
	if trainSizes == nil {
		a.Sizes = a.Of
	}
	for i, c := range m.Labels {
		if m.Predicted[i] == c {
			a.Right[c]++
		}
	}
	return a, nil
}

// Recall returns the share of the members of class c that the model gets right; NaN for a
// class without members.
func (a Accuracy) Recall(c int) float64 { return share(a.Right[c], a.Of[c]) }

// Recalls returns the recall of every class.
func (a Accuracy) Recalls() []float64 {
	out := make([]float64, len(a.Classes))
	for c := range out {
		out[c] = a.Recall(c)
	}
	return out
}

// Mean returns the mean recall of the classes that have members, the balanced accuracy; NaN
// if there are none.
func (a Accuracy) Mean() float64 { return mean(a.Recalls()) }

// Overall returns the share of all members that the model gets right.
func (a Accuracy) Overall() float64 {
	right, of := 0, 0
	for c := range a.Classes {
		right, of = right+a.Right[c], of+a.Of[c]
	}
	return share(right, of)
}
