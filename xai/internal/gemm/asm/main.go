// Command asm writes the assembly of package gemm: run it in this folder after a
// change (go run .). A test compares the files with what it would write.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	log.SetFlags(0)
	files, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile("../"+name, data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the generated files by name.
func generate() (map[string][]byte, error) {
	text, err := tables()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"tables_amd64.go": text}
	for name, write := range map[string]func(*build.Context){
		"micro": func(ctx *build.Context) {
			for _, e := range []elem{float32s, float64s} {
				for _, v := range []isa{avx2, avx512} {
					microKernels(ctx, v, e)
				}
			}
		},
		"pack": packKernels,
		"vec":  vecKernels,
		"pool": poolKernels,
		"step": stepKernels,
		"sums": sumKernels,
	} {
		ctx := build.NewContext()
		ctx.ConstraintExpr("amd64")
		write(ctx)
		f, err := ctx.Result()
		if err != nil {
			return nil, fmt.Errorf("asm: %s: %w", name, err)
		}
		if err := pass.Compile.Execute(f); err != nil {
			return nil, fmt.Errorf("asm: %s: %w", name, err)
		}
		cfg := printer.Config{Argv: []string{"asm"}, Pkg: "gemm"}
		for suffix, p := range map[string]printer.Printer{"_amd64.s": printer.NewGoAsm(cfg), "_amd64.go": printer.NewStubs(cfg)} {
			text, err := p.Print(f)
			if err != nil {
				return nil, fmt.Errorf("asm: %s%s: %w", name, suffix, err)
			}
			files[name+suffix] = append(bytes.TrimRight(text, "\n"), '\n')
		}
	}
	return files, nil
}
