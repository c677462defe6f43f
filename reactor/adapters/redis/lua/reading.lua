-- After clock.lua: nothing but the clock.
return {now, steady}
