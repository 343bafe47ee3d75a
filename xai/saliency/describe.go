package saliency

// Describe names a method: in words, "Integrated gradients", and with its settings as Go
// code, "saliency.IntegratedGradients{Steps: 50}", as results do.
func Describe(m Method) (title, code string) { return words(m), name(m) }
