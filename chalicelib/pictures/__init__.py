"""Pictures of players: looked at, and made into avatars, where they can hurt nobody.

``renderer`` is what the house calls. It starts a child process, ``__main__``, which confines itself, has ``inspection``
look at the bytes before any decoder does, and lets ``rendering`` make the files. Only the child loads a decoder.
"""
