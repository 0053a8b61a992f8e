// Lets derive.go declare a function without its body, which is that of another package.
