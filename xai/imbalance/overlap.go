package imbalance

import "gonum.org/v1/gonum/mat"

// FeatureOverlap says how much of what classes live on they share. The authors read it off
// the chart of importances; these figures are ours. All are C x C, from 0 to 1, symmetric,
// and NaN for a class without members.
type FeatureOverlap struct {
	Classes  []string
	Count    *mat.Dense // |T_i and T_j| / K
	Weighted *mat.Dense // sum over f in both of min(share_i(f), share_j(f)); NaN where a class has no shares
	Jaccard  *mat.Dense // |T_i and T_j| / |T_i or T_j|
}

// Overlap compares the top features of every two classes.
func (f FeatureImportance) Overlap() FeatureOverlap {
	c := len(f.Classes)
	o := FeatureOverlap{Classes: f.Classes, Count: mat.NewDense(c, c, nil), Weighted: mat.NewDense(c, c, nil), Jaccard: mat.NewDense(c, c, nil)}
	for i := range c {
		for j := range c {
			if f.Top[i] == nil || f.Top[j] == nil {
				o.Count.Set(i, j, nan)
				o.Weighted.Set(i, j, nan)
				o.Jaccard.Set(i, j, nan)
				continue
			}
			both, weight := 0, 0.0
			for p, g := range f.Top[i] {
				for q, h := range f.Top[j] {
					if g == h {
						both++
						weight += min(f.Share(i, p), f.Share(j, q))
					}
				}
			}
			if a, b := f.Share(i, 0), f.Share(j, 0); a != a || b != b { // no shares
				weight = nan // which min keeps
			}
			o.Count.Set(i, j, float64(both)/float64(f.K))
			o.Weighted.Set(i, j, min(weight, 1)) // not above by rounding
			o.Jaccard.Set(i, j, float64(both)/float64(2*f.K-both))
		}
	}
	return o
}
