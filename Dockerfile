# nti in a container: docker build -t nti . && docker run --rm -v "$PWD:/work" nti demo
FROM swift:6.3-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make pkg-config \
    libopenblas-dev liblapacke-dev libpng-dev libturbojpeg0-dev libwebp-dev liblcms2-dev zlib1g-dev
COPY . /source
WORKDIR /source
RUN make install PREFIX=/usr/local DESTDIR=/installed

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    libopenblas0-pthread liblapacke libpng16-16 libturbojpeg0 libwebp7 liblcms2-2 libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /
WORKDIR /work
ENTRYPOINT ["nti"]
