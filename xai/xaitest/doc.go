// Package xaitest answers "does this method of explanation keep its promises?", for
// Whybook's methods and metrics and for anybody's:
//
//	func TestMyMethod(t *testing.T) { xaitest.Run(t, mypackage.MyMethod{}) }
//
// A method that implements saliency.Described says which axioms hold for it. What it
// promises must hold on every model of the suite, and what it does not promise must be
// seen to fail on at least one. Beside the axioms every method is held to the contract of
// saliency.Method: a batch gives what its rows give one by one, the same call gives the
// same bytes for any number of processors and goroutines, inputs are left alone, a
// cancelled context and a failing model end the work with their own errors.
//
// RunMetric does the same for a metric of maps: its card's range and direction, the same bits
// twice, invariance to scale where it is promised and only there, and what it makes of maps
// that are zero, constant or none.
//
// The models are small networks with random weights in float64, so that every kind of
// method can run: those that need scores only, and those that need layers. Everything is
// deterministic.
package xaitest
