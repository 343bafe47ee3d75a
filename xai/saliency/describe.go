package saliency

import "unicode"

// Describe names a method: in words, "Integrated gradients", and with its settings as Go
// code, "saliency.IntegratedGradients{Steps: 50}", as results do.
func Describe(m Method) (title, code string) { return words(m), name(m) }

// Title implements Titled.
func (InputGradient) Title() string { return "Input x gradient" }

// Title implements Titled.
func (GradCAM) Title() string { return "Grad-CAM" }

// Title implements Titled.
func (GuidedGradCAM) Title() string { return "Guided Grad-CAM" }

// Title implements Titled.
func (GuidedBackprop) Title() string { return "Guided backpropagation" }

// lower begins a title in the middle of a sentence; abbreviations keep their capitals.
func lower(title string) string {
	r := []rune(title)
	if len(r) > 1 && unicode.IsUpper(r[0]) && unicode.IsLower(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}
