# Whybook in JupyterLab, for Docker, and for Binder, which takes the Dockerfile that it finds:
#
#	docker build -t whybook .
#	docker run --rm -p 8888:8888 whybook
FROM golang:1.26-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/jupyter \
    && /opt/jupyter/bin/pip install --no-cache-dir jupyterlab==4.6.6 notebook==7.6.5

# Binder wants a user of this name and number.
ARG NB_USER=jovyan
ARG NB_UID=1000
RUN useradd --create-home --uid ${NB_UID} ${NB_USER}
ENV HOME=/home/${NB_USER} GOPATH=/home/${NB_USER}/go PATH=/opt/jupyter/bin:/usr/local/go/bin:/usr/bin:/bin
COPY --chown=${NB_UID} . ${HOME}/whybook
USER ${NB_USER}
WORKDIR ${HOME}/whybook

# The tour fills the caches, so that the first cell of a reader takes a second.
RUN go run ./kernelext/cmd/whybook install \
    && go run ./kernelext/cmd/whybook tour --out /tmp/tour \
    && rm -r /tmp/tour

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "notebooks"]
