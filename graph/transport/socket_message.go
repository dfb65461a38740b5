package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
)

// The messages of graphql-transport-ws.
const (
	typeInit      = "connection_init"
	typeAck       = "connection_ack"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeNext      = "next"
	typeError     = "error"
	typeComplete  = "complete"
)

// message is one that a client sent, checked against the protocol.
type message struct {
	kind    string
	id      string
	payload json.RawMessage // an object, or nothing
}

// readMessage reads a message. Its errors are for the reason of a close frame, and
// repeat nothing of the message.
func readMessage(text []byte) (m message, err error) {
	members, err := object(text)
	if err != nil {
		return m, errors.New("a message must be a JSON object")
	}
	if m.kind, err = textOf(members["type"]); err != nil {
		return m, errors.New("a message must have a type")
	}
	switch m.kind {
	case typeInit, typePing, typePong:
		if m.payload, err = optional(members["payload"]); err != nil {
			return m, fmt.Errorf("the payload of %s must be an object", m.kind)
		}
	case typeSubscribe, typeComplete:
		if m.id, err = textOf(members["id"]); err != nil || m.id == "" {
			return m, fmt.Errorf("the id of %s must be a text that is not empty", m.kind)
		}
		if m.kind == typeSubscribe {
			if m.payload, err = optional(members["payload"]); err != nil || m.payload == nil {
				return m, errors.New("the payload of subscribe must be an object")
			}
		}
	default:
		return m, errors.New("a client sends connection_init, ping, pong, subscribe or complete")
	}
	return m, nil
}

// readOperation reads the payload of subscribe.
func readOperation(payload json.RawMessage) (*graphql.RawParams, error) {
	members, err := object(payload)
	if err != nil {
		return nil, errors.New("the payload of subscribe must be an object")
	}
	params := &graphql.RawParams{}
	if params.Query, err = textOf(members["query"]); err != nil {
		return nil, errors.New("the query of subscribe must be a text")
	}
	if !isNull(members["operationName"]) {
		if params.OperationName, err = textOf(members["operationName"]); err != nil {
			return nil, errors.New("the operationName of subscribe must be a text")
		}
	}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if isNull(members[name]) {
			continue
		}
		if *into, err = values(members[name]); err != nil {
			return nil, fmt.Errorf("the %s of subscribe must be an object", name)
		}
	}
	return params, nil
}

var errForm = errors.New("it has another form")

func isNull(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// object reads the members of an object; their names count as they are written.
func object(text []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errForm
	}
	return members, nil
}

// optional is an object, or nothing for one that is null or not there.
func optional(raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case isNull(raw):
		return nil, nil
	case raw[0] != '{':
		return nil, errForm
	}
	return raw, nil
}

func textOf(raw json.RawMessage) (text string, err error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", errForm
	}
	return text, json.Unmarshal(raw, &text)
}

// values reads an object whose numbers keep their digits until their type is known.
func values(raw json.RawMessage) (read map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&read); err != nil {
		return nil, errForm
	}
	return read, nil
}

// written is a message to a client.
type written struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}
