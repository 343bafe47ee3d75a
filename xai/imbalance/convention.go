package imbalance

import "fmt"

// Convention is the published program whose definitions a table follows. The zero value
// is ECoL, by the authors of the survey (Lorena, Garcia, Lehmann, Souto and Ho, How complex
// is your classification problem?, ACM Computing Surveys 52(5), 2019).
//
// Where they disagree (n rows, m features, classes c with p_c = n_c/n):
//
//	measure   ECoL                    PyMFE                 Problexity              DCoL
//	classes   together, or pairs      as ECoL               always pairs, averaged  as ECoL
//	distance  Gower                   Gower                 Euclidean, unscaled     Euclidean, columns scaled to [0,1]
//	F1        1/(1+max r)             as ECoL               r doubled               max r
//	F1v       1/(1+dF), S by n-1      as ECoL               S by n                  dF
//	F2        mean over pairs         as ECoL               as ECoL                 sum over pairs
//	F3, F4    share that overlaps     F4 is 0 once one      F4 counts rows that     share that does not
//	                                  class is left         are gone
//	L1-L3     SVM, C = 1, scaled      hinge, C = 2, bias    squared hinge, C = 1,   SVM as ECoL; two classes only
//	                                  penalised, scaled     unscaled, distances
//	                                                        divided by |w|
//	N1        vertices/n              as ECoL               mixed edges/(2n)        as ECoL
//	N2        mean of r_i/(1+r_i)     as ECoL               sums, with the second   ratio of the sums
//	                                                        nearest enemy
//	N4        1-NN                    1-NN                  5-NN                    1-NN
//	T1        most rows first         most rows first, one  largest radius first    as ECoL
//	                                  pass
//	network   floor(.15n) nearest     round(.15n) nearest   Gower, scaled to [0,1], none
//	                                                        below .15
//	clsCoef   global                  global                mean of the rows        none
//	hubs      weighted by distance    unweighted            unweighted              none
//	T2        m/n                     as ECoL               as ECoL                 n/m
//	C1        1 + sum p ln p / ln k   - sum p ln p / ln k   as ECoL                 none
//
// Where the packages themselves depend on chance, a table does not follow: their solvers of
// L1 to L3 stop before the optimum (in Problexity, on unscaled features, well before it), and
// PyMFE's T1 and network take rows that tie in the order that NumPy's sort leaves them in.
//
// Two values are in every convention: F1mean, the mean over the features of 1/(1+r), which
// ECoL and PyMFE print as F1, and N2sum, the definition of N2 in the survey.
type Convention int

const (
	ECoL       Convention = iota // R package ECoL 0.3, ImbCoL for classes
	PyMFE                        // Python package pymfe 0.4
	Problexity                   // Python package problexity 0.5
	DCoL                         // C++ program DCoL 1.1
)

// String returns the name of the program.
func (c Convention) String() string {
	if c >= ECoL && c <= DCoL {
		return [...]string{"ECoL", "PyMFE", "Problexity", "DCoL"}[c]
	}
	return fmt.Sprintf("Convention(%d)", int(c))
}

// Distance is how far apart two rows are for the neighbourhood measures. The zero value is
// the one of the convention.
type Distance int

const (
	ConventionDistance Distance = iota
	Gower                       // mean of |a-b|/range over the features
	Euclidean                   // of the values as they are
	ScaledEuclidean             // of the features scaled to [0,1]
)

// String returns "convention", "Gower", "Euclidean" or "scaled Euclidean".
func (d Distance) String() string {
	if d >= ConventionDistance && d <= ScaledEuclidean {
		return [...]string{"convention", "Gower", "Euclidean", "scaled Euclidean"}[d]
	}
	return fmt.Sprintf("Distance(%d)", int(d))
}

// distance returns the convention's own distance.
func (c Convention) distance() Distance {
	switch c {
	case Problexity:
		return Euclidean
	case DCoL:
		return ScaledEuclidean
	}
	return Gower
}
