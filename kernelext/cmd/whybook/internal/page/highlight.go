package page

import (
	"go/scanner"
	"go/token"
	"html/template"
	"strings"
)

// highlight marks comments, keywords and literals of Go code. GoNB's special lines, which
// begin with % or !, are marked too and not read as Go.
func highlight(source string) template.HTML {
	var b strings.Builder
	code := []byte(source)
	for i, line := 0, ""; i < len(source); i += len(line) {
		line = source[i:]
		if end := strings.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		if special(line) {
			// To the scanner the line is blank; offsets stay right.
			copy(code[i:], strings.Repeat(" ", len(strings.TrimRight(line, "\n"))))
		}
	}
	file := token.NewFileSet().AddFile("", -1, len(code))
	var s scanner.Scanner
	s.Init(file, code, func(token.Position, string) {}, scanner.ScanComments)
	done := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			break
		}
		class := class(tok)
		at := file.Offset(pos)
		if class == "" || at < done || at+len(lit) > len(source) {
			continue
		}
		plain(&b, source[done:at])
		done = at + len(lit)
		if tok.IsKeyword() {
			done = at + len(tok.String())
		}
		mark(&b, class, source[at:done])
	}
	plain(&b, source[done:])
	return template.HTML(b.String()) // #nosec: every part is escaped
}

func special(line string) bool {
	return strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!")
}

// plain writes text in which only special lines are marked.
func plain(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		if body := strings.TrimRight(line, "\n"); special(body) {
			mark(b, "special", body)
			line = line[len(body):]
		}
		b.WriteString(template.HTMLEscapeString(line))
	}
}

func mark(b *strings.Builder, class, text string) {
	b.WriteString(`<span class="` + class + `">`)
	b.WriteString(template.HTMLEscapeString(text))
	b.WriteString(`</span>`)
}

func class(tok token.Token) string {
	switch {
	case tok == token.COMMENT:
		return "comment"
	case tok.IsKeyword():
		return "keyword"
	case tok == token.STRING || tok == token.CHAR:
		return "string"
	case tok == token.INT || tok == token.FLOAT || tok == token.IMAG:
		return "literal"
	}
	return ""
}
