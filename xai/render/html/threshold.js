// Fades the cells of a map, or the bars of a chart, whose size is below a threshold. data-v
// holds a byte for each cell: its size in steps of data-n parts of the largest, data-max; 254
// for what fades always, 255 for no value. Without this script nothing fades.
function(box){
  var d=box.dataset,steps=+d.n,max=+d.max,columns=+d.columns,rows=+d.rows,mass=d.mass.split(' '),
  cells=Array.from(atob(d.v),function(c){return c.charCodeAt(0)}),
  counted=cells.filter(function(v){return v<255}).length,
  stage=box.querySelector('.whybook-over'),veil=document.createElement('canvas'),
  bar=document.createElement('div'),label=document.createElement('label'),range=document.createElement('input'),say=document.createElement('output');
  veil.width=columns;veil.height=rows;veil.setAttribute('aria-hidden',true);
  veil.style.cssText='position:absolute;image-rendering:pixelated;'+d.place;
  stage.append(veil);
  range.type='range';range.min=0;range.max=steps;range.value=d.start;
  bar.className='whybook-bar';label.append('Threshold ',range);bar.append(label,say);box.prepend(bar);
  var paint=veil.getContext('2d'),paper=d.paper.split(',');
  function show(){
    var t=+range.value,n=0,img=paint.createImageData(columns,rows);
    cells.forEach(function(v,i){
      if(v>=t&&v<254)n++;
      if(v<t||v===254)img.data.set([+paper[0],+paper[1],+paper[2],225],4*i)});
    paint.putImageData(img,0,0);
    say.textContent=d.what+' \u2265 '+ +(t*max/steps).toPrecision(3)+': '+n+' of '+counted+' '+d.things+', '+mass[t]+' % of the '+d.sum;
    range.setAttribute('aria-valuetext',say.textContent)}
  range.oninput=show;
  show()}
