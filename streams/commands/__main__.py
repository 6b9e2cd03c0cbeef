from streams.commands import main

main()
