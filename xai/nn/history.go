package nn

// Epoch is one line of a training history.
type Epoch struct {
	Loss     float64 // mean of the training loss over the epoch's samples, taken while the weights were changing, with dropout and augmentation
	Accuracy float64 // share of right answers among them, 0-1
	Rate     float64 // the optimiser's step size in this epoch

	// Terms are the parts of the loss where it has several (see Terms): means over the epoch,
	// as for Loss.
	Terms []TermLoss `json:",omitempty"`

	// Validation is how the network did on Training.Validate after the epoch; its zero
	// value where there was no validation.
	Validation Validation

	// Kept says that the network has the weights of this epoch: the last, or with
	// Training.KeepBest the best.
	Kept bool
}

// Validation is how a network does on samples that it was not trained on.
type Validation struct {
	Samples  int     // how many
	Loss     float64 // mean of the training's loss, with the training set's class weights and margins, without dropout and augmentation
	Accuracy float64 // share of right answers, 0-1
}

// best returns the index of the epoch with the highest validation accuracy, the earliest
// of those that tie.
func best(history []Epoch) int {
	at := 0
	for i, e := range history {
		if e.Validation.Accuracy > history[at].Validation.Accuracy {
			at = i
		}
	}
	return at
}
