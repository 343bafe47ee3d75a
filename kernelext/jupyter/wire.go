package jupyter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

const protocolVersion = "5.3"

// delimiter stands between the routing frames and the signed ones.
const delimiter = "<IDS|MSG>"

var errSignature = errors.New("jupyter: message with a wrong signature")

// header is the head of a message, and names the request in the answers to it.
type header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

type message struct {
	header  header
	parent  header
	content json.RawMessage
}

// frames encodes and signs the message.
func (m message) frames(key []byte) ([][]byte, error) {
	head, err := json.Marshal(m.header)
	if err != nil {
		return nil, err
	}
	signed := [][]byte{head, []byte("{}"), []byte("{}"), m.content}
	if m.parent.ID != "" {
		if signed[1], err = json.Marshal(m.parent); err != nil {
			return nil, err
		}
	}
	return append([][]byte{[]byte(delimiter), sign(key, signed)}, signed...), nil
}

// parseFrames checks the signature before it looks at anything else.
func parseFrames(key []byte, frames [][]byte) (message, error) {
	for len(frames) > 0 && string(frames[0]) != delimiter {
		frames = frames[1:]
	}
	if len(frames) < 6 {
		return message{}, errors.New("jupyter: message with too few frames")
	}
	signature, signed := frames[1], frames[2:6]
	if !hmac.Equal(signature, sign(key, signed)) {
		return message{}, errSignature
	}
	m := message{content: signed[3]}
	if err := json.Unmarshal(signed[0], &m.header); err != nil {
		return message{}, fmt.Errorf("jupyter: message header: %w", err)
	}
	if err := json.Unmarshal(signed[1], &m.parent); err != nil {
		return message{}, fmt.Errorf("jupyter: parent header: %w", err)
	}
	return m, nil
}

func sign(key []byte, frames [][]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, frame := range frames {
		mac.Write(frame)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}
