"""limn behind programs and in the browser: the same request, store and records as the command line.

queue      what was asked, on the disk, so that it outlives the process
worker     one thread that draws, one job after another
security   who may ask, from where, how much
api        limn's own doors; images: the door that clients of OpenAI's images API know
"""
