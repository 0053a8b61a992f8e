//go:build !linux

package main

func unload() {}
