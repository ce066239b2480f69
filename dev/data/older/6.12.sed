# What 6.12 has otherwise. KUnit gives a test's parameters no test:
s/(struct kunit \*test, const void \*prev, char \*desc)/(const void *prev, char *desc)/
# No module needs a symbol of the engine's where there are no clients:
/^EXPORT_SYMBOL_FOR_MODULES(/d
