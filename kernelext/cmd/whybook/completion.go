package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help is what completion --help says besides the flags.
func (completionCommand) Help() string {
	return `Examples:
  source <(whybook completion bash)              now; in ~/.bashrc for every shell
  source <(whybook completion zsh)               the same in ~/.zshrc, after compinit
  whybook completion fish > ~/.config/fish/completions/whybook.fish

Where the command is go tool whybook, give it a name of its own first:
  whybook() { go tool whybook "$@"; }`
}

// Run prints the script, which needs whybook no more.
func (c completionCommand) Run(a *app, parser *kong.Kong) error {
	all := completions(parser.Model.Node, "")
	switch c.Shell {
	case "bash":
		a.printf("%s", bashScript(all))
	case "zsh":
		a.printf("%s", zshScript(all))
	case "fish":
		a.printf("%s", fishScript(all))
	}
	return nil
}

// completion is what can follow a command.
type completion struct {
	Path  string // the command, words parted by a space; "" for whybook itself
	Words []word // subcommands, values of arguments, and flags
	Files bool   // the command takes files
}

// word is one proposal.
type word struct {
	Text  string
	Help  string // its first sentence
	Value string // of a flag that takes one: "file", "other", else ""
}

// completions lists the commands below a node, itself first.
func completions(node *kong.Node, path string) []completion {
	c := completion{Path: path}
	for _, child := range node.Children {
		if !child.Hidden {
			c.Words = append(c.Words, word{Text: child.Name, Help: sentence(child.Help)})
		}
	}
	for _, arg := range node.Positional {
		c.Files = c.Files || arg.Tag.Type == "path"
		for _, value := range arg.EnumSlice() {
			if value == "" { // what an argument without an enum gives
				continue
			}
			c.Words = append(c.Words, word{Text: value})
		}
	}
	for _, flags := range node.AllFlags(true) {
		for _, flag := range flags {
			w := word{Text: "--" + flag.Name, Help: sentence(flag.Help)}
			switch {
			case flag.Tag.Type == "path":
				w.Value = "file"
			case !flag.IsBool():
				w.Value = "other"
			}
			c.Words = append(c.Words, w)
			if flag.Tag.Negatable != "" {
				c.Words = append(c.Words, word{Text: "--no-" + flag.Name, Help: w.Help})
			}
		}
	}
	slices.SortFunc(c.Words, func(a, b word) int { return strings.Compare(a.Text, b.Text) })
	all := []completion{c}
	for _, child := range node.Children {
		all = append(all, completions(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	return all
}

func sentence(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(first, ".")
}

// commandLoop finds the command in the words before the cursor: bash and zsh understand it.
const commandLoop = `	local at= word
	for word in "${before[@]}"; do
		case "${at:+$at }$word" in
		%s) at="${at:+$at }$word" ;;
		esac
	done
	case $at in
%s	esac
`

func shellCases(all []completion, body func(completion) string) string {
	var paths []string
	var cases strings.Builder
	for _, c := range all {
		if c.Path != "" {
			paths = append(paths, "'"+c.Path+"'")
		}
		fmt.Fprintf(&cases, "\t'%s')\n%s\t\t;;\n", c.Path, body(c))
	}
	return fmt.Sprintf(commandLoop, strings.Join(paths, " | "), cases.String())
}

func bashScript(all []completion) string {
	loop := shellCases(all, func(c completion) string {
		var words, files, others []string
		for _, w := range c.Words {
			words = append(words, w.Text)
			switch w.Value {
			case "file":
				files = append(files, w.Text)
			case "other":
				others = append(others, w.Text)
			}
		}
		return fmt.Sprintf("\t\twords='%s' files='%s' others='%s' takes=%t\n",
			strings.Join(words, " "), strings.Join(files, " "), strings.Join(others, " "), c.Files)
	})
	return `# bash completion for whybook, made by: whybook completion bash
_whybook() {
	local now=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} words files others takes
	local -a before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	COMPREPLY=()
` + loop + `	case " $others " in *" $last "*) return ;; esac
	case " $files " in
	*" $last "*) ;;
	*)
		case $now in
		-*) COMPREPLY=($(compgen -W "$words" -- "$now")); return ;;
		esac
		COMPREPLY=($(compgen -W "$(for word in $words; do case $word in -*) ;; *) echo "$word" ;; esac; done)" -- "$now"))
		[ "$takes" = true ] || return
		;;
	esac
	compopt -o filenames 2>/dev/null
	COMPREPLY+=($(compgen -f -- "$now"))
}
complete -F _whybook whybook
`
}

func zshScript(all []completion) string {
	loop := shellCases(all, func(c completion) string {
		var b strings.Builder
		b.WriteString("\t\tproposals=(")
		for _, w := range c.Words {
			b.WriteString(" " + quoteAlways(strings.ReplaceAll(w.Text, ":", `\:`)+":"+w.Help))
		}
		fmt.Fprintf(&b, " )\n\t\ttakes=%t\n", c.Files)
		return b.String()
	})
	return `#compdef whybook
# zsh completion for whybook, made by: whybook completion zsh
_whybook() {
	local takes
	local -a before proposals
	before=("${(@)words[2,CURRENT-1]}")
` + loop + `	[[ $PREFIX == -* || $takes == false ]] && _describe whybook proposals && return
	[[ $takes == true ]] && _files
	_describe whybook proposals
}
compdef _whybook whybook
`
}

func fishScript(all []completion) string {
	var b strings.Builder
	b.WriteString("# fish completion for whybook, made by: whybook completion fish\ncomplete -c whybook -f\n")
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.Path != "" {
			tests := []string{}
			for _, w := range strings.Fields(c.Path) {
				tests = append(tests, "__fish_seen_subcommand_from "+w)
			}
			if below := subcommands(all, c.Path); len(below) > 0 {
				tests = append(tests, "not __fish_seen_subcommand_from "+strings.Join(below, " "))
			}
			condition = strings.Join(tests, "; and ")
		}
		if c.Files {
			fmt.Fprintf(&b, "complete -c whybook -n '%s' -F\n", condition)
		}
		for _, w := range c.Words {
			name, flag := strings.CutPrefix(w.Text, "--")
			option := "-a"
			if flag {
				option = "-l"
			}
			fmt.Fprintf(&b, "complete -c whybook -n '%s' %s %s", condition, option, name)
			switch w.Value {
			case "file":
				b.WriteString(" -r -F")
			case "other":
				b.WriteString(" -x")
			}
			if w.Help != "" {
				b.WriteString(" -d " + strings.ReplaceAll(quoteAlways(w.Help), `'\''`, `\'`))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// subcommands returns the names of the commands right below a path.
func subcommands(all []completion, path string) []string {
	var names []string
	for _, c := range all {
		if name, ok := strings.CutPrefix(c.Path, path+" "); ok && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return names
}
