// Package jupyter speaks the Jupyter protocol from the client's side, so that a notebook
// can be run from a Go program without Jupyter: it starts a kernel, executes the cells
// and collects what they show.
//
//   - [Parse], [Read] and [Notebook.Write] hold notebook files (nbformat 4). What this
//     package does not know is kept, and files are laid out as Jupyter lays them out.
//   - [Start] runs a kernel described by a [Spec]; [Kernel.Execute] runs one cell.
//   - [Run] runs a whole notebook and returns it with its outputs.
//   - [Spec.Install] makes a kernel known to Jupyter.
//
// The protocol is version 5.3 over ZeroMQ, signed with HMAC-SHA256
// (https://jupyter-client.readthedocs.io/en/stable/messaging.html).
//
// An executed notebook holds no times and no random identifiers, so that the same
// notebook gives the same file again as far as its cells do.
package jupyter
