package config

import "reflect"

// assignment is one value that a layer gives to one setting.
type assignment struct {
	path  string        // dotted, below the layer: "instances.min", "environment.PORT"
	index []int         // the struct fields that lead to it
	key   string        // in a map; "" for anything else
	value reflect.Value // not valid for null, which undoes what lower layers say
	bad   bool          // a problem was reported, and nothing is assigned
	position
}

// apply sets a's field of the struct. Null sets it to initial's value.
func (a assignment) apply(to, initial reflect.Value) {
	field := to.FieldByIndex(a.index)
	switch {
	case a.key == "" && a.value.IsValid() && field.Kind() == reflect.Slice:
		field.Set(reflect.AppendSlice(reflect.MakeSlice(field.Type(), 0, a.value.Len()), a.value))
	case a.key == "" && a.value.IsValid():
		field.Set(a.value)
	case a.key == "":
		field.Set(initial.FieldByIndex(a.index))
	case a.value.IsValid():
		if field.IsNil() {
			field.Set(reflect.MakeMap(field.Type()))
		}
		field.SetMapIndex(reflect.ValueOf(a.key), a.value)
	default:
		field.SetMapIndex(reflect.ValueOf(a.key), reflect.Value{})
	}
}

// join returns the dotted path of name below prefix.
func join(prefix, name string) string {
	if prefix == "" {
		return plain(name)
	}
	return prefix + "." + plain(name)
}

// keyOf returns the field's name in YAML, or "" for a field that is not read from YAML.
func keyOf(f reflect.StructField) string {
	if name := f.Tag.Get("yaml"); name != "-" {
		return name
	}
	return ""
}

func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); name != "" && keyOf(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := keyOf(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}
