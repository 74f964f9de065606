package handlers_test
import "testing"
func TestLoad(t *testing.T){ d,err:=contract(); if err!=nil{t.Fatal(err)}; t.Log(d.IsOpenAPI31OrLater(), len(d.Paths.Map())) }
