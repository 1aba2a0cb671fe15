module reflow.example/ffi

go 1.21
